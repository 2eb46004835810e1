/**
 * How decode speed is counted, the same for both engines.
 */

/**
 * Consumes token streams that run at the same time and measures the stretch in which all of them decode: from
 * the moment the last stream has its first token until each has given `tokens` more. Everything before it
 * (prompts) and after it (streams that run on alone) is left out. Streams must be long enough to outlast it.
 *
 * @param {AsyncIterable<number>[]} streams each yields how many tokens just arrived
 * @param {number} tokens tokens per stream inside the window
 * @param {() => void} stop called once when the window is over
 * @returns {Promise<{tokens: number, ms: number}>} tokens of all streams in the window, and its length
 */
export async function measureSteadyDecode(streams, tokens, stop) {
  const inWindow = new Array(streams.length).fill(0);
  let unstarted = streams.length;
  let startMs = 0;
  let result;
  await Promise.all(
    streams.map(async (stream, index) => {
      let started = false;
      try {
        for await (const arrived of stream) {
          if (unstarted === 0) inWindow[index] += arrived;
          if (!started) {
            started = true;
            if (--unstarted === 0) startMs = performance.now();
          }
          if (unstarted === 0 && result === undefined && inWindow.every((n) => n >= tokens)) {
            result = { tokens: inWindow.reduce((a, b) => a + b, 0), ms: performance.now() - startMs };
            stop();
          }
          if (result !== undefined) return;
        }
      } catch (error) {
        if (result === undefined) throw error;
      }
    }),
  );
  if (result === undefined)
    throw new Error('a stream ended before the measurement was over; give it more tokens');
  return result;
}
