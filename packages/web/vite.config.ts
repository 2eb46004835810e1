import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** In development the page runs on Vite's port and its calls go to a Triptych server on this address. */
const server = process.env.TRIPTYCH_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  // Relative addresses, so the page also works behind a proxy that adds a path.
  base: './',
  build: {
    target: 'es2022',
    // The first versions with light-dark() and @property; older ones would need every colour twice.
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    outDir: 'dist',
    emptyOutDir: true,
    // No data: addresses: everything is a file, so a strict content security policy holds.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
  },
  server: { proxy: { '/v1': server, '/api': server, '/health': server } },
});
