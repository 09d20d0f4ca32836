/**
 * Herald's Pepr module: the controller's and the admission's process alike, told apart by PEPR_WATCH_MODE. The program of
 * each node is not in it (capabilities/speaker/main.ts).
 */
import { PeprModule } from "pepr";
import { admission } from "./capabilities/admission";
import { controller } from "./capabilities/controller";
import { speaker } from "./capabilities/speaker";
import { description, pepr } from "./package.json";

const capabilities = [admission, controller, speaker];
const herald = new PeprModule({ description, pepr }, capabilities, { deferStart: true });

// A build asks for the capabilities only. Port 0 leaves Pepr's server off: the controller has no webhooks to serve.
const port = Number(process.env["METALLB_WEBHOOK_PORT"] ?? 3000);
if (process.env["PEPR_MODE"] !== "build" && port !== 0) herald.start(port);
