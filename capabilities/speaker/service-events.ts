/** Events on Services, as every reporter of the speaker records them. */
import { splitKey } from "../cluster/api-object";
import type { EventContent, EventRecorder } from "../cluster/events";
import type { ClusterView } from "./cluster-state";

export interface ServiceEventsDeps {
  readonly events: Pick<EventRecorder, "record">;
  readonly view: Pick<ClusterView, "service">;
}

/** Records the event on the Service of the key; one that is gone has no UID any more. */
export function recordOnService(
  { events, view }: ServiceEventsDeps,
  key: string,
  content: EventContent,
): void {
  const { namespace, name } = splitKey(key);
  const uid = view.service(key)?.uid;
  const service = { apiVersion: "v1", kind: "Service", namespace, name };
  events.record({ ...service, ...(uid !== undefined && { uid }) }, content);
}
