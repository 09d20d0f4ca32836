/** What the API server answers to the tests of the speaker. */
import { ApiError } from "../../../capabilities/cluster/api-error";

export interface EventObject {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly uid?: string };
  readonly source: { readonly component: string };
}

/** An API server that has just begun answers 429 until it has read its storage. */
export function noneWhileBusy(error: unknown): readonly never[] {
  if (error instanceof ApiError && error.status === 429) return [];
  throw error;
}
