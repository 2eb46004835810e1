/**
 * @module
 * Finds and loads the compiled addon, once, when it is first needed.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { NetworkAddon } from './network.js';
import type { PagesAddon } from './pages.js';
import type { IsaName, ProgramAddon } from './program.js';

/** What the addon exports; each area describes its own part. */
export interface Addon extends NetworkAddon, PagesAddon, ProgramAddon {
  /** Of this interface; an addon of another one was built from other sources. */
  readonly revision: number;
  /** The best instruction set this processor has. */
  readonly isa: IsaName;
  /** All it has, from slow to fast. */
  readonly isas: readonly IsaName[];
  /** See {@link keyBlockTokens}. */
  readonly keyBlockTokens: number;
}

/** The compiled addon is missing or does not fit this system. `code` is `addon_unavailable`. */
export class AddonError extends Error {
  readonly code = 'addon_unavailable';

  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    super(
      `The native addon could not be loaded: run "npm run build" first, or check TRIPTYCH_ADDON (${reason})`,
      { cause },
    );
    this.name = 'AddonError';
  }
}

const revision = 3;
let loaded: Addon | undefined;

/**
 * The addon that was built here, or the file that the environment variable TRIPTYCH_ADDON names (an emulated one, see
 * scripts/emulate.mjs). Throws {@link AddonError} when it has not been built.
 */
export function loadAddon(): Addon {
  if (loaded === undefined) {
    try {
      const { TRIPTYCH_ADDON: own = '' } = process.env;
      // The same place from src/ and from dist/.
      const file = own === '' ? '../build/triptych.node' : path.resolve(own);
      const addon = createRequire(import.meta.url)(file) as Addon;
      if (addon.revision !== revision)
        throw new Error(`it is of revision ${addon.revision}, this is ${revision}`);
      loaded = addon;
    } catch (cause) {
      throw new AddonError(cause);
    }
  }
  return loaded;
}
