/**
 * Cuts a TCP stream into whole messages. Holds at most one message and the chunk given last; the length of a message is checked
 * against the maximum before any of it is waited for.
 */
import { assert, err, ok, type Result } from "../../net/result";
import { MARKER_LENGTH_OCTETS, MAX_MESSAGE_OCTETS } from "../constants";
import type { BgpDecodeError } from "./decode-error";
import { decodeHeader } from "./message";

/** One message in octets, aliasing the decoder's memory until its next call. */
export interface Frame {
  /** One of `MessageType`. */
  readonly type: number;
  /** Header included. */
  readonly octets: Uint8Array;
}

const NOTHING: Uint8Array = new Uint8Array(0);

export class StreamDecoder {
  /** 4096; the session raises it when extended messages are negotiated, which holds from the next message on. */
  maxMessageOctets = MAX_MESSAGE_OCTETS;
  /** Octets that begin a message whose end has not come; the first `#heldLength` of the buffer. */
  #held = new Uint8Array(0);
  #heldLength = 0;
  #chunk: Uint8Array = NOTHING;
  #error: BgpDecodeError | undefined;

  /** Adds octets of the stream, after `next` has given undefined. They may not change before it does so again. */
  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) return;
    assert(this.#chunk.length === 0, "push before next gave undefined");
    this.#chunk = chunk;
  }

  /** The next whole message, undefined when more octets are needed. After an error the stream is lost: every call gives it again. */
  next(): Result<Frame, BgpDecodeError> | undefined {
    if (this.#error !== undefined) return err(this.#error);
    const source = this.#heldLength === 0 ? this.#chunk : this.#fillHeld();
    const header = decodeHeader(source, this.maxMessageOctets);
    if (!header.ok) {
      this.#error = header.error;
      this.#chunk = NOTHING;
      this.#heldLength = 0;
      return header;
    }
    if (header.value === undefined || source.length < header.value.lengthOctets) {
      this.#stash();
      return undefined;
    }
    const { lengthOctets, type } = header.value;
    if (this.#heldLength === 0) this.#chunk = this.#chunk.subarray(lengthOctets);
    else this.#heldLength = 0;
    return ok({ type, octets: source.subarray(0, lengthOctets) });
  }

  /** Octets held back because their message is not whole. */
  get pendingOctets(): number {
    return this.#heldLength + this.#chunk.length;
  }

  /** Moves from the chunk to the held octets what the message begun there still needs: its header first, then its body. */
  #fillHeld(): Uint8Array {
    this.#take(MARKER_LENGTH_OCTETS + 3);
    if (this.#heldLength >= MARKER_LENGTH_OCTETS + 3) {
      const high = this.#held[MARKER_LENGTH_OCTETS] ?? 0;
      const low = this.#held[MARKER_LENGTH_OCTETS + 1] ?? 0;
      this.#take(Math.min((high << 8) | low, this.maxMessageOctets));
    }
    return this.#held.subarray(0, this.#heldLength);
  }

  #take(upToOctets: number): void {
    const count = Math.min(upToOctets - this.#heldLength, this.#chunk.length);
    if (count <= 0) return;
    this.#hold(this.#chunk.subarray(0, count));
    this.#chunk = this.#chunk.subarray(count);
  }

  #stash(): void {
    if (this.#chunk.length === 0) return;
    this.#hold(this.#chunk);
    this.#chunk = NOTHING;
  }

  #hold(octets: Uint8Array): void {
    const needed = this.#heldLength + octets.length;
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#held.length));
      grown.set(this.#held.subarray(0, this.#heldLength));
      this.#held = grown;
    }
    this.#held.set(octets, this.#heldLength);
    this.#heldLength = needed;
  }
}
