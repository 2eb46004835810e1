/**
 * @module
 * Waiting for a condition in tests: no fixed sleeps, the test's own time-out is the only clock.
 */

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
