import { parameter, type Shape, type Tensor } from '@triptych/graph';
import { NetworkError } from '../errors.js';

/**
 * Declares the parameters of a network while it is built, so that names and shapes cannot disagree with their use. A
 * scope stands for one module; `in('conv1')` is the module below it, named as in the public checkpoints.
 */
export class ParameterScope {
  /** Everything declared so far below the root, in the order of use. */
  readonly parameters: Map<string, Tensor>;
  private readonly prefix: string;

  constructor(parameters = new Map<string, Tensor>(), prefix = '') {
    this.parameters = parameters;
    this.prefix = prefix;
  }

  /** The module `name` of this one; dots go several levels down. */
  in(name: string): ParameterScope {
    return new ParameterScope(this.parameters, `${this.prefix}${name}.`);
  }

  /**
   * The parameter `name` of this module; the same tensor when asked again.
   * @throws NetworkError `invalid_config` if it was declared with another shape
   */
  weight(name: string, shape: Shape): Tensor {
    const full = this.prefix + name;
    const known = this.parameters.get(full);
    if (known !== undefined) {
      if (known.shape.join() === shape.join()) return known;
      throw new NetworkError('invalid_config', `"${full}" is used as [${known.shape}] and as [${shape}]`);
    }
    const made = parameter(full, shape);
    this.parameters.set(full, made);
    return made;
  }
}

/** Names and shapes of a network's parameters. */
export function shapesOf(parameters: ReadonlyMap<string, Tensor>): Map<string, Shape> {
  return new Map([...parameters].map(([name, { shape }]) => [name, shape]));
}
