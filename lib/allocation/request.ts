/** What the user asks for on the Service: a pool, addresses, or nothing. */
import { quote } from "../config/problem";
import { formatIpAddress, parseIpAddress, type IpAddress } from "../net/ip-address";
import { err, ok, type Result } from "../net/result";
import { requestAnnotation, splitPoolNames, type ServiceView } from "./service";

export interface AddressRequest {
  /** Names of the pools asked for: none, one, or two. */
  readonly pools: readonly string[];
  /** Addresses asked for, in the order of the request: none, one, or two of different families. */
  readonly addresses: readonly IpAddress[];
}

/** Why the request cannot be read: a clause for an event, naming the annotation, its value and what is allowed. */
export interface RequestProblem {
  readonly message: string;
}

/** Reads annotations (current prefix first) and `spec.loadBalancerIP`. */
export function parseRequest(service: ServiceView): Result<AddressRequest, RequestProblem> {
  const pools = requestedPools(service);
  if (!pools.ok) return pools;
  const addresses = requestedAddresses(service);
  if (!addresses.ok) return addresses;
  return ok({ pools: pools.value, addresses: addresses.value });
}

/** Two names are ours: then the address of each family is of the first of them that has one. */
function requestedPools(service: ServiceView): Result<readonly string[], RequestProblem> {
  const text = requestAnnotation(service, "address-pool") ?? "";
  if (text === "") return ok([]);
  // MetalLB takes the text as it is; a name has no comma.
  if (!text.includes(",")) return ok([text]);
  const names = splitPoolNames(text);
  if (names.length > 2 || names.includes("") || names[0] === names[1]) {
    return problem(
      `annotation address-pool ${quote(text)}: allowed is the name of one IPAddressPool, or two names separated by a comma`,
    );
  }
  return ok(names);
}

function requestedAddresses(service: ServiceView): Result<readonly IpAddress[], RequestProblem> {
  const annotation = requestAnnotation(service, "loadBalancerIPs") ?? "";
  const field = service.loadBalancerIp;
  if (annotation !== "" && field !== "") {
    return problem(
      `both spec.loadBalancerIP ${quote(field)} and the annotation loadBalancerIPs ${quote(annotation)} ask for an address; use only one of them`,
    );
  }
  if (field !== "") return parseField(field);
  return annotation === "" ? ok([]) : parseAnnotation(annotation);
}

function parseField(text: string): Result<readonly IpAddress[], RequestProblem> {
  const address = parseIpAddress(text);
  if (!address.ok) return problem(`spec.loadBalancerIP ${quote(text)} is not an IP address`);
  return ok([address.value]);
}

function parseAnnotation(text: string): Result<readonly IpAddress[], RequestProblem> {
  const allowed = "one IP address, or one IPv4 and one IPv6 address separated by a comma";
  const subject = `annotation loadBalancerIPs ${quote(text)}`;
  const parts = text.split(",");
  const addresses: IpAddress[] = [];
  for (const part of parts) {
    const address = parseIpAddress(part.trim());
    if (!address.ok) {
      return problem(
        `${subject}: ${quote(part.trim())} is not an IP address; allowed is ${allowed}`,
      );
    }
    addresses.push(address.value);
    if (addresses.length > 2)
      return problem(`${subject}: more than two addresses; allowed is ${allowed}`);
  }
  const [first, second] = addresses;
  if (first !== undefined && second !== undefined && first.family === second.family) {
    return problem(
      `${subject}: ${formatIpAddress(first)} and ${formatIpAddress(second)} are of one family; allowed is ${allowed}`,
    );
  }
  return ok(addresses);
}

function problem(message: string): Result<never, RequestProblem> {
  return err({ message });
}
