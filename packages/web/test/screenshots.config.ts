import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Pictures are taken on request, not with the tests: npm run screenshots -w @triptych/web. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    include: ['screenshots.ts', 'people-screenshots.ts', 'screenshots-edit.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
