/**
 * @module
 * When memory is committed and when it is given back, within the budget: the policies of `policy/` applied to the
 * slots and carried out by the mapper.
 */
import { groupsFor, type KvGeometry } from './geometry.js';
import type { Mapper } from './mapper.js';
import type { KvSettings } from './options.js';
import { bestFit } from './policy/best-fit.js';
import { type Growth, planLookAhead, type Runner } from './policy/look-ahead.js';
import { planReclaim } from './policy/reclaim.js';
import type { SlotTable } from './slots.js';

/** Why a step cannot run: missing bytes, because of the budget or because the system refused. */
export interface Shortage {
  readonly deficitBytes: number;
  readonly reason: 'budget' | 'system';
}

export class Allocator {
  readonly #geometry: KvGeometry;
  readonly #settings: KvSettings;
  readonly #slots: SlotTable;
  readonly #mapper: Mapper;
  readonly #budgetGroups: number;
  /** Look-ahead is renewed when less than this many tokens of it are left: half, so that it comes in batches. */
  readonly #renewTokens: number;

  constructor(settings: KvSettings, slots: SlotTable, mapper: Mapper) {
    this.#geometry = settings.geometry;
    this.#settings = settings;
    this.#slots = slots;
    this.#mapper = mapper;
    this.#budgetGroups = Math.floor(settings.budgetBytes / settings.geometry.groupRowBytes);
    this.#renewTokens = Math.ceil(settings.lookAheadTokens / 2);
  }

  /** Groups that nobody needs if these lengths were to run. Negative: missing. */
  spareGroups(lengths: Int32Array): number {
    return this.#budgetGroups - this.#mapper.lostGroups - this.#slots.neededGroups(lengths);
  }

  /**
   * Everything a step does. When nothing grows, the cost is a few integer comparisons per slot. On a shortage no slot
   * has grown; when it was the system that refused, what nobody needs has been given back.
   */
  step(lengths: Int32Array, next: Int32Array | undefined): Shortage | undefined {
    this.#mapper.settle();
    const { readyTokens, heldTokens } = this.#mapper;
    let short = false;
    let ahead = false;
    for (let slot = 0; slot < lengths.length; slot++) {
      const length = lengths[slot]!;
      if (length === 0) continue;
      const soon = Math.max(length + this.#renewTokens, next === undefined ? 0 : next[slot]!);
      if (length > readyTokens[slot]!) short = true;
      if (soon > heldTokens[slot]!) ahead = true;
    }
    if (short) {
      const shortage = this.#growNow(lengths);
      if (shortage !== undefined) return shortage;
    }
    this.#slots.grow(lengths);
    if (ahead) this.#lookAhead(lengths, next);
    if (this.#settings.deferredReclaim) this.keepShareFree();
    if (this.#settings.eagerTokens > 0) this.#prepareIdleSlot();
    return undefined;
  }

  /** Deferred reclamation's other half: idle memory is given up before the budget is exhausted, off the critical path. */
  keepShareFree(): void {
    const coming = this.#budgetGroups - this.#mapper.heldGroups - this.#mapper.lostGroups;
    const wanted = Math.ceil(this.#budgetGroups * this.#settings.freeShare) - coming;
    if (wanted <= 0) return;
    const slots = this.#slots.reclaimable(this.#mapper, this.#slots.tokens);
    for (const { slot, groups } of planReclaim(
      slots.filter((slot) => !slot.active),
      wanted,
    )) {
      this.#mapper.shrink(slot, groups);
    }
  }

  /** Gives back what these lengths do not need, up to `groups`. Returns the groups. */
  reclaim(groups: number, lengths: Int32Array = this.#slots.tokens): number {
    let given = 0;
    for (const shrink of planReclaim(this.#slots.reclaimable(this.#mapper, lengths), groups)) {
      given += this.#mapper.shrink(shrink.slot, shrink.groups);
    }
    return given;
  }

  /** Backs `lengths` at once. */
  #growNow(lengths: Int32Array): Shortage | undefined {
    const mapper = this.#mapper;
    let refusals = 0;
    // Each round ends one reason to wait and the system is asked three times at most, so a handful of rounds is the most
    // there can be.
    for (;;) {
      const growth: Growth[] = [];
      let groups = 0;
      let underWay = -1;
      for (const [slot, length] of lengths.entries()) {
        const target = groupsFor(this.#geometry, length);
        if (target <= mapper.ready[slot]!) continue;
        // Even when it will not suffice: it has to end before more of the same slot is committed.
        if (mapper.ready[slot] !== mapper.held[slot] || mapper.releasing[slot]! > 0) underWay = slot;
        growth.push({ slot, groups: target });
        groups += Math.max(0, target - mapper.held[slot]!);
      }
      if (growth.length === 0) return undefined;
      const lacking = groups - (this.#budgetGroups - mapper.countedGroups);
      const deficit = -this.spareGroups(lengths);
      if (lacking > 0 && deficit > 0) return this.#shortage(deficit, 'budget');
      if (lacking > 0) {
        this.reclaim(lacking - mapper.releasingGroups, lengths);
        mapper.waitForReleases();
      } else if (underWay >= 0) {
        mapper.waitFor(underWay);
      } else {
        if (mapper.commitNow(growth)) return undefined;
        // First as much is given back as was asked for, then everything: how much the system lacks it does not say.
        const spare = refusals === 0 ? groups : Number.POSITIVE_INFINITY;
        if (++refusals > 2 || !this.#makeRoom(spare, lengths)) return this.#shortage(groups, 'system');
      }
    }
  }

  /**
   * For a system that has less than the budget allows: gives it back up to `groups` that these lengths do not need, and
   * waits until it has them. False when there was nothing to give and nothing on its way.
   */
  #makeRoom(groups: number, lengths: Int32Array): boolean {
    const coming = this.#mapper.releasingGroups;
    const given = this.reclaim(groups - coming, lengths);
    this.#mapper.waitForReleases();
    return given + coming > 0;
  }

  #shortage(groups: number, reason: Shortage['reason']): Shortage {
    return { deficitBytes: groups * this.#geometry.groupRowBytes, reason };
  }

  /** Commits in the background what running sequences will need soon, as far as free memory goes. */
  #lookAhead(lengths: Int32Array, next: Int32Array | undefined): void {
    const { held, ready, heldTokens, releasing } = this.#mapper;
    const { maxTokens } = this.#geometry;
    const runners: Runner[] = [];
    for (const [slot, length] of lengths.entries()) {
      const planned = next?.[slot] ?? 0;
      if (length === 0 || Math.max(length + this.#renewTokens, planned) <= heldTokens[slot]!) continue;
      if (ready[slot] !== held[slot] || releasing[slot]! > 0) continue;
      const target = Math.min(maxTokens, Math.max(length + this.#settings.lookAheadTokens, planned));
      const ahead = groupsFor(this.#geometry, target);
      if (ahead <= held[slot]!) continue;
      const nextToken = groupsFor(this.#geometry, Math.min(target, length + 1));
      runners.push({ slot, groups: held[slot]!, next: nextToken, ahead });
    }
    this.#mapper.commitAhead(planLookAhead(runners, this.#budgetGroups - this.#mapper.countedGroups));
  }

  /** Eager allocation: one idle slot stays ready for a sequence of `eagerTokens`, if memory is left over. */
  #prepareIdleSlot(): void {
    const target = groupsFor(this.#geometry, this.#settings.eagerTokens);
    const slot = bestFit(this.#slots.idle(this.#mapper), target);
    if (slot === undefined || slot.groups >= target || slot.releasing) return;
    if (this.#mapper.ready[slot.slot] !== slot.groups) return;
    const kept = Math.ceil(this.#budgetGroups * this.#settings.freeShare);
    if (target - slot.groups > this.#budgetGroups - this.#mapper.countedGroups - kept) return;
    this.#mapper.commitAhead([{ slot: slot.slot, groups: target }]);
  }
}
