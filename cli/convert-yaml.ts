/** Converted objects as a person would write them, with comments where a choice was made. */
import { Document, stringify } from "yaml";
import type { ConvertedResource } from "../lib/config/legacy/resources";

const HEADER = `# Made by kubectl herald convert. Look at the comments, then: kubectl apply -f this-file
`;

/** All objects as one stream of documents; empty when there are none. */
export function formatResources(resources: readonly ConvertedResource[]): string {
  if (resources.length === 0) return "";
  return `${HEADER}${resources.map(formatResource).join("")}`;
}

function formatResource({ object, comments }: ConvertedResource): string {
  // Quoted where YAML 1.1, which kubectl reads, would see something else than a text.
  const document = new Document(object, { version: "1.1" });
  const lines = comments.map(comment => `# ${comment}\n`).join("");
  return `---\n${lines}${document.toString({ lineWidth: 0, directives: false })}`;
}

export function formatValues(values: Readonly<Record<string, unknown>>): string {
  return Object.keys(values).length === 0 ? "{}\n" : stringify(values, { lineWidth: 0 });
}
