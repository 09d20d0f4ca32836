/** Runs classic BPF programs on frames, as the kernel does, for tests of socket filters. */

const PACKET_TYPE_OFFSET = 0xfffff004;

/**
 * The program's verdict: 0 drops the frame. `packetType` is what the kernel says about whom the frame is meant for: 0 us,
 * 1 everybody, 2 a group, 3 somebody else.
 */
export function runFilter(program: Uint8Array, frame: Uint8Array, packetType = 1): number {
  const code = Buffer.from(program);
  const octets = Buffer.from(frame);
  let accumulator = 0;
  for (let at = 0; at < code.length / 8; at += 1) {
    const opcode = code.readUInt16LE(at * 8);
    const value = code.readUInt32LE(at * 8 + 4);
    if (opcode === 0x06) return value;
    const width = { 0x20: 4, 0x28: 2, 0x30: 1 }[opcode];
    if (width !== undefined) {
      if (value === PACKET_TYPE_OFFSET) accumulator = packetType;
      // A load beyond the frame ends the program.
      else if (value + width > octets.length) return 0;
      else accumulator = octets.readUIntBE(value, width);
      continue;
    }
    const isTrue = compare(opcode, accumulator, value);
    at += code.readUInt8(at * 8 + (isTrue ? 2 : 3));
  }
  throw new Error("the program ran off its end");
}

function compare(opcode: number, accumulator: number, value: number): boolean {
  switch (opcode) {
    case 0x15:
      return accumulator === value;
    case 0x25:
      return accumulator > value;
    case 0x35:
      return accumulator >= value;
    default:
      throw new Error(`instruction ${opcode.toString(16)} is not part of our filters`);
  }
}
