/**
 * Writes the protocol-buffer wire format: just the field kinds that an ONNX model needs. Field numbers in
 * `encode.ts` are those of onnx.proto3 (ONNX 1.16, IR version 9).
 */
export class ProtoWriter {
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  /** A whole number, 0 or more, or -1 (written as 64-bit two's complement). */
  int(field: number, value: number | bigint): this {
    return this.push(varint((field << 3) | 0), varint(value));
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.push(varint((field << 3) | 5), bytes);
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.push(varint((field << 3) | 2), varint(value.length), value);
  }

  message(field: number, value: ProtoWriter): this {
    this.push(varint((field << 3) | 2), varint(value.length));
    // Not spread: a large graph has more chunks than a call may have arguments.
    for (const chunk of value.chunks) this.push(chunk);
    return this;
  }

  finish(): Uint8Array {
    const result = new Uint8Array(this.length);
    let offset = 0;
    for (const chunk of this.chunks) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }

  private push(...chunks: Uint8Array[]): this {
    for (const chunk of chunks) {
      this.chunks.push(chunk);
      this.length += chunk.length;
    }
    return this;
  }
}

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
