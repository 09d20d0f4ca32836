/** On which interfaces a node announces: what the advertisements that select the node name, all when one names none. */

/** Names of interfaces, each once, sorted; or every interface that is fit for announcing. */
export type InterfaceChoice = readonly string[] | "all";

/**
 * The union of several choices: an empty list in an advertisement is `all`, and one `all` makes the union `all`. Sorted, so
 * that equal choices are equal texts and a status is not rewritten for the order alone. No choice at all is the empty list.
 */
export function uniteInterfaces(choices: Iterable<InterfaceChoice>): InterfaceChoice {
  const names = new Set<string>();
  for (const choice of choices) {
    if (choice === "all") return "all";
    for (const name of choice) names.add(name);
  }
  return [...names].sort();
}

/** The choice of one advertisement's `interfaces`. */
export function toInterfaceChoice(interfaces: readonly string[]): InterfaceChoice {
  return interfaces.length === 0 ? "all" : interfaces;
}
