import type { Browser } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { launchBrowser } from './browser.js';
import { optimisePng } from './optimise-png.js';

describe('optimisePng', () => {
  it('makes a screenshot smaller and changes no pixel by more than a few levels', async () => {
    const browser: Browser = await launchBrowser();
    try {
      const page = await browser.newPage({ viewport: { width: 300, height: 120 } });
      await page.setContent(
        '<p style="font: 20px serif; background: linear-gradient(90deg, #eef, #24c); color: #b31">Three panels</p>',
      );
      const before = await page.screenshot();
      const after = optimisePng(before);
      expect(after.length).toBeLessThan(before.length);
      const worst = await page.evaluate(
        async ([a, b]) => {
          const read = async (data: string) => {
            const image = new Image();
            image.src = data;
            await image.decode();
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext('2d')!;
            context.drawImage(image, 0, 0);
            return context.getImageData(0, 0, image.width, image.height).data;
          };
          const [x, y] = [await read(a!), await read(b!)];
          if (x.length !== y.length) return 255;
          return x.reduce((most, value, index) => Math.max(most, Math.abs(value - y[index]!)), 0);
        },
        [before, after].map((png) => `data:image/png;base64,${png.toString('base64')}`),
      );
      expect(worst).toBeLessThanOrEqual(8);
      expect(worst).toBeGreaterThan(0); // a gradient has more than 256 colours, so something had to give
    } finally {
      await browser.close();
    }
  });
});
