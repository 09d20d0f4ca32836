/** NOTIFICATIONs in words, as IANA's "BGP Error Codes" registry names them: for logs, events and status. */
import {
  CeaseSubcode,
  ErrorCode,
  FsmErrorSubcode,
  HeaderErrorSubcode,
  OpenErrorSubcode,
  RouteRefreshErrorSubcode,
  UpdateErrorSubcode,
} from "./constants";
import { readShutdownText, unwrapHardReset, type NotificationMessage } from "./codec/notification";

const CODE_NAMES: ReadonlyMap<number, string> = namesOf(ErrorCode);

const SUBCODE_NAMES: ReadonlyMap<number, ReadonlyMap<number, string>> = new Map([
  [ErrorCode.messageHeaderError, namesOf(HeaderErrorSubcode)],
  [ErrorCode.openMessageError, namesOf(OpenErrorSubcode)],
  [ErrorCode.updateMessageError, namesOf(UpdateErrorSubcode)],
  [ErrorCode.finiteStateMachineError, namesOf(FsmErrorSubcode)],
  [ErrorCode.cease, namesOf(CeaseSubcode)],
  [ErrorCode.routeRefreshMessageError, namesOf(RouteRefreshErrorSubcode)],
]);

/** Words for code and subcode: "cease: administrative shutdown (6/2)". Unknown numbers stay numbers. */
export function describeErrorCode(code: number, subcode: number): string {
  const codeName = CODE_NAMES.get(code);
  const subcodeName = SUBCODE_NAMES.get(code)?.get(subcode);
  const numbers = `(${code}/${subcode})`;
  if (codeName === undefined) return `unknown error ${numbers}`;
  return subcodeName === undefined
    ? `${codeName} ${numbers}`
    : `${codeName}: ${subcodeName} ${numbers}`;
}

/** Words for a whole NOTIFICATION: a hard reset names what it wraps, a shutdown communication is quoted, sanitised and cut. */
export function describeNotification(message: NotificationMessage): string {
  const inner = unwrapHardReset(message);
  const wrapped = inner === message ? "" : "hard reset around ";
  const text = readShutdownText(message);
  const quoted = text === undefined ? "" : `, saying ${JSON.stringify(text)}`;
  return `${wrapped}${describeErrorCode(inner.code, inner.subcode)}${quoted}`;
}

/** "administrativeShutdown" of a registry object becomes "administrative shutdown". */
function namesOf(registry: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(registry).map(([name, value]) => [
      value,
      name.replaceAll(/([A-Z])/g, " $1").toLowerCase(),
    ]),
  );
}
