/**
 * Pepr's server with what Pepr lacks: another certificate and token while it runs, and an end that loses no call. Pepr reads files
 * and token once, when it makes its server; so the server is made here, at that moment, and Pepr's application is behind it.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import https from "node:https";
import type { SecureVersion } from "node:tls";
import type { Serving } from "../../capabilities/admission/webhook-secret";
import { assert } from "../../lib/net/result";

/**
 * The API server keeps a connection for 90 s. It is the one to close it: a request that meets a connection that we are closing (Node:
 * after 5 s) is a failed call, since a POST is not repeated.
 */
const KEEP_ALIVE_MS = 180_000;

const WEBHOOK_PATH = /^\/(mutate|validate)\/([^/?]+)(.*)$/;

type Application = (request: IncomingMessage, response: ServerResponse) => void;

export class WebhookServer {
  readonly #minVersion: SecureVersion;
  /** The only token that Pepr knows; it never leaves the process. */
  readonly #ownToken = randomBytes(32).toString("hex");
  #serving: Serving;
  #server: https.Server | undefined;
  #isDraining = false;

  private constructor(serving: Serving, minVersion: SecureVersion) {
    this.#serving = serving;
    this.#minVersion = minVersion;
  }

  /** Runs `load`, which has to make Pepr's server with PEPR_API_PATH as given to it. */
  static start(
    serving: Serving,
    minVersion: SecureVersion,
    load: (env: { readonly PEPR_API_PATH: string }) => void,
  ): WebhookServer {
    const own = new WebhookServer(serving, minVersion);
    const { createServer } = https;
    const replaced = (_files: unknown, application: Application): https.Server =>
      own.#create(createServer, application);
    https.createServer = replaced as typeof createServer;
    try {
      load({ PEPR_API_PATH: own.#ownToken });
    } finally {
      https.createServer = createServer;
    }
    assert(own.#server !== undefined, "Pepr made no server");
    return own;
  }

  /** From now on new connections get this certificate, and these tokens are the right ones. */
  adopt(serving: Serving): void {
    this.#serving = serving;
    this.#server?.setSecureContext(this.#secureContext());
  }

  /** From now on each answer is the last one on its connection: the API server opens the next one to another replica. */
  drain(): void {
    this.#isDraining = true;
  }

  #create(createServer: typeof https.createServer, application: Application): https.Server {
    const server = createServer(this.#secureContext(), (request, response) => {
      if (this.#isDraining) response.setHeader("connection", "close");
      request.url = this.#withOwnToken(request.url ?? "/");
      application(request, response);
    });
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    // Pepr closes its server on SIGTERM, before anybody knows that the next call has to go elsewhere. The process ends it.
    server.close = () => server;
    this.#server = server;
    return server;
  }

  #secureContext(): https.ServerOptions {
    const { certificate, key } = this.#serving;
    return { cert: certificate, key, minVersion: this.#minVersion };
  }

  #withOwnToken(url: string): string {
    const [, path, token = "", rest] = WEBHOOK_PATH.exec(url) ?? [];
    return this.#serving.tokens.some(known => isSame(known, token))
      ? `/${path}/${this.#ownToken}${rest}`
      : url;
  }
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}
