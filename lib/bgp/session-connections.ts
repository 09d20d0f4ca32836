/**
 * The TCP connections of one session: the one that counts, the second one while two collide (RFC 4271 §6.8), and our own attempt
 * while TCP sets it up. They are begun and ended here, each with its last message; it knows no states. When a connection is begun,
 * and which of two stays, `session.ts` decides.
 *
 *      connect ──► attempt ──► main ◄── promoteTracked ── tracked ◄── a connection beside the main one
 */
import type { NotificationMessage } from "./codec/notification";
import type { OpenMessage } from "./codec/open";
import { earliest, SessionConnection } from "./session-connection";
import type { Drop } from "./session-drop";
import type { ConnectionId } from "./session-events";
import type { SessionOutput } from "./session-output";

/** A connection that TCP has set up. */
type Connection = Pick<SessionConnection, "id" | "isInitiatedByUs">;

export class SessionConnections {
  readonly #output: SessionOutput;
  #main: SessionConnection | undefined;
  #tracked: SessionConnection | undefined;
  #attempt: ConnectionId | undefined;
  #lastId = 0;

  constructor(output: SessionOutput) {
    this.#output = output;
  }

  /** The connection that the session's state speaks of, from OpenSent on. */
  get main(): SessionConnection | undefined {
    return this.#main;
  }

  /** A second connection, which has sent OPEN and waits for the peer's. There is none without a main one. */
  get tracked(): SessionConnection | undefined {
    return this.#tracked;
  }

  /** An id that no connection of the session had. */
  allocateId(): ConnectionId {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** The connection of that name on which OPEN was sent. */
  find(id: ConnectionId): SessionConnection | undefined {
    if (id === this.#main?.id) return this.#main;
    return id === this.#tracked?.id ? this.#tracked : undefined;
  }

  /** Has TCP set up a connection to the peer, instead of any that it is setting up. */
  connect(): void {
    this.abandonAttempt();
    this.#attempt = this.allocateId();
    this.#output.add({ type: "connect", connection: this.#attempt });
  }

  /** Whether the connection that is up is the attempt, which is none any more; one that nobody waits for is closed. */
  completeAttempt(id: ConnectionId): boolean {
    if (id === this.#attempt) {
      this.#attempt = undefined;
      return true;
    }
    if (this.find(id) === undefined) this.#output.close(id);
    return false;
  }

  abandonAttempt(): void {
    if (this.#attempt !== undefined) this.#output.close(this.#attempt);
    this.#attempt = undefined;
  }

  /** Begins with our OPEN: the main connection if there is none, else the second; a third is closed. */
  open(connection: Connection, message: OpenMessage, nowMs: number): void {
    const { id, isInitiatedByUs } = connection;
    if (this.#tracked !== undefined) {
      this.#output.close(id);
      return;
    }
    const opened = new SessionConnection(id, isInitiatedByUs, nowMs);
    this.#output.send(opened, message, nowMs);
    if (this.#main === undefined) this.#main = opened;
    else this.#tracked = opened;
  }

  /** The connection has failed: there is nothing to close. Gives whether it was one of these. */
  forget(id: ConnectionId): boolean {
    if (id === this.#tracked?.id) this.#tracked = undefined;
    else if (id === this.#attempt) this.#attempt = undefined;
    else if (id === this.#main?.id) this.#main = undefined;
    else return false;
    return true;
  }

  /** Lets the second connection take the place of the main one, which is closed if it is still there; false without a second. */
  promoteTracked(lastMessage: NotificationMessage | undefined, nowMs: number): boolean {
    if (this.#tracked === undefined) return false;
    if (this.#main !== undefined) this.#end(this.#main, lastMessage, nowMs);
    this.#main = this.#tracked;
    this.#tracked = undefined;
    return true;
  }

  dropTracked(lastMessage: NotificationMessage | undefined, nowMs: number): void {
    if (this.#tracked !== undefined) this.#end(this.#tracked, lastMessage, nowMs);
    this.#tracked = undefined;
  }

  /** Ends all of them, the attempt too. */
  closeAll({ notification, isAbort }: Pick<Drop, "notification" | "isAbort">, nowMs: number): void {
    for (const connection of [this.#main, this.#tracked]) {
      if (connection !== undefined && notification !== undefined) {
        this.#output.send(connection, notification, nowMs);
      }
    }
    for (const id of [this.#main?.id, this.#tracked?.id, this.#attempt]) {
      if (id !== undefined) this.#output.close(id, isAbort);
    }
    this.#main = undefined;
    this.#tracked = undefined;
    this.#attempt = undefined;
  }

  nextDeadlineMs(): number | undefined {
    return earliest([this.#main?.nextDeadlineMs(), this.#tracked?.nextDeadlineMs()]);
  }

  #end(
    connection: SessionConnection,
    lastMessage: NotificationMessage | undefined,
    nowMs: number,
  ): void {
    if (lastMessage !== undefined) this.#output.send(connection, lastMessage, nowMs);
    this.#output.close(connection.id);
  }
}
