import RAPIER from '@dimforge/rapier3d-deterministic-compat';
import { WorldError } from './errors.js';
import { halfExtents, type Quaternion, type Scene, type Vec3 } from './scene.js';

/** A push given at the start: velocity in m/s, spin in rad/s. */
export interface Push {
  readonly id: number;
  readonly velocity: Vec3;
  readonly spin?: Vec3;
}

/** How a scene came to rest. */
export interface Settled {
  readonly scene: Scene;
  /** States along the way, first and last included, at `framesPerSecond`. */
  readonly frames: readonly Scene[];
  readonly seconds: number;
}

const stepsPerSecond = 120;
let ready: Promise<void> | undefined;

/**
 * Lets physics run (Rapier's deterministic build: same bytes on every machine) until everything rests.
 *
 * @throws WorldError `PHYSICS` when something still moves after 6 s; the signal's reason when aborted
 */
export async function settle(
  scene: Scene,
  options: { pushes?: readonly Push[]; framesPerSecond?: number; signal?: AbortSignal } = {},
): Promise<Settled> {
  ready ??= RAPIER.init();
  await ready;
  const { pushes = [], framesPerSecond = 12, signal } = options;
  const world = new RAPIER.World({ x: 0, y: -9.81, z: 0 });
  try {
    world.timestep = 1 / stepsPerSecond;
    world.createCollider(RAPIER.ColliderDesc.cuboid(50, 1, 50).setTranslation(0, -1, 0).setFriction(0.8));
    for (const {
      position: [x, y, z],
      rotation: q,
      half,
    } of scene.props)
      world.createCollider(
        RAPIER.ColliderDesc.cuboid(...(half as [number, number, number]))
          .setTranslation(x, y, z)
          .setRotation({ x: q[0], y: q[1], z: q[2], w: q[3] }),
      );
    const bodies = scene.objects.map((o) => {
      const [x, y, z] = o.position;
      const [qx, qy, qz, qw] = o.rotation;
      const body = world.createRigidBody(
        RAPIER.RigidBodyDesc.dynamic()
          .setTranslation(x, y, z)
          .setRotation({ x: qx, y: qy, z: qz, w: qw })
          .setLinearDamping(0.25)
          // Round things would roll for ever on an ideal floor.
          .setAngularDamping(o.shape === 'sphere' || o.shape === 'cylinder' || o.shape === 'cone' ? 5 : 0.6),
      );
      const [hx, hy, hz] = halfExtents(o);
      const desc =
        o.shape === 'sphere'
          ? RAPIER.ColliderDesc.ball(hy)
          : o.shape === 'cylinder'
            ? RAPIER.ColliderDesc.cylinder(hy, hx)
            : o.shape === 'cone'
              ? RAPIER.ColliderDesc.cone(hy, hx)
              : o.shape === 'wedge'
                ? RAPIER.ColliderDesc.convexHull(
                    Float32Array.of(...[-hz, hz].flatMap((z) => [-hx, -hy, z, hx, -hy, z, -hx, hy, z])),
                  )
                : RAPIER.ColliderDesc.cuboid(hx, hy, hz);
      if (!desc) throw new WorldError('PHYSICS', `object ${o.id} has no hull: reject the scene`);
      world.createCollider(desc.setFriction(0.7).setRestitution(0.15), body);
      return body;
    });
    for (const {
      id,
      velocity: [x, y, z],
      spin,
    } of pushes) {
      const body = bodies[scene.objects.findIndex((o) => o.id === id)];
      if (!body) throw new WorldError('ARGUMENT', `pushes names object ${id}, which is not in the scene`);
      body.setLinvel({ x, y, z }, true);
      if (spin) body.setAngvel({ x: spin[0], y: spin[1], z: spin[2] }, true);
    }
    const state = (): Scene => ({
      ...scene,
      objects: scene.objects.map((o, i) => {
        const p = bodies[i]!.translation();
        const q = bodies[i]!.rotation();
        // Who was hardly moved stays exactly where it was: settling by a hair is not a change anyone asked for.
        const isStill =
          Math.hypot(p.x - o.position[0], p.y - o.position[1], p.z - o.position[2]) < 0.02 &&
          Math.abs(q.x * o.rotation[0] + q.y * o.rotation[1] + q.z * o.rotation[2] + q.w * o.rotation[3]) >
            0.9995;
        if (isStill) return o;
        return { ...o, position: [p.x, p.y, p.z] as Vec3, rotation: [q.x, q.y, q.z, q.w] as Quaternion };
      }),
    });
    const frames: Scene[] = [scene];
    let quiet = 0;
    for (let step = 1; step <= 6 * stepsPerSecond; step++) {
      if (step % 60 === 0) signal?.throwIfAborted();
      world.step();
      if (step % Math.max(1, Math.round(stepsPerSecond / framesPerSecond)) === 0) frames.push(state());
      const moves = bodies.some((b) => {
        const v = b.linvel(),
          w = b.angvel();
        return Math.hypot(v.x, v.y, v.z) > 0.04 || Math.hypot(w.x, w.y, w.z) > 0.1;
      });
      quiet = moves ? 0 : quiet + 1;
      if (quiet >= 18) {
        const last = state();
        frames.push(last);
        return { scene: last, frames, seconds: step / stepsPerSecond };
      }
    }
    throw new WorldError('PHYSICS', `scene ${scene.seed} still moves after 6 seconds: reject it`);
  } finally {
    world.free();
  }
}
