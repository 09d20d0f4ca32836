/**
 * What the speakers need from the cluster, as a Pepr capability of the controller's process. It is not the speaker: the program
 * of each node is main.ts, which never loads this file.
 */
import { Capability } from "pepr";

export const speaker = new Capability({
  name: "speaker",
  description: "What the speakers of the nodes need from the cluster",
});
