/** Conversions in few words: text in, objects out. */
import { expect } from "vitest";
import { parseLegacyYaml } from "../../../../../capabilities/cluster/legacy-yaml";
import { convertConfigText } from "../../../../../lib/config/legacy/convert-text";
import {
  LEGACY_NAME_ANNOTATION,
  type Conversion,
} from "../../../../../lib/config/legacy/resources";
import type { ObjectRef } from "../../../../../lib/config/problem";

export const NAMESPACE = "metallb-system";
export const SOURCE: ObjectRef = { kind: "ConfigMap", namespace: NAMESPACE, name: "config" };

export function convert(text: string): Conversion {
  return convertConfigText(text, parseLegacyYaml, { source: SOURCE, namespace: NAMESPACE });
}

/** As `IPAddressPool default` → its spec, with the old name where there is one. */
export function objectsOf({ resources }: Conversion): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    resources.map(({ object }) => {
      const { kind, metadata, spec, stringData, type } = object;
      const legacyName = metadata.annotations?.[LEGACY_NAME_ANNOTATION];
      const content = kind === "Secret" ? { type, stringData } : spec;
      return [
        `${kind} ${metadata.name}`,
        legacyName === undefined ? content : { ...content, legacyName },
      ];
    }),
  );
}

/** As `refuse address-pools[0].protocol`, in the order of the input. */
export function findingsOf({ problems }: Conversion): readonly string[] {
  return problems.map(({ severity, field }) => `${severity} ${field}`);
}

/** What the text becomes when nothing is said about it. */
export function converted(text: string): Readonly<Record<string, unknown>> {
  const conversion = convert(text);
  expect(findingsOf(conversion)).toEqual([]);
  return objectsOf(conversion);
}

/** The messages of the only refusals; nothing is made then. */
export function refused(text: string): readonly string[] {
  const conversion = convert(text);
  expect(conversion.resources).toEqual([]);
  const refusals = conversion.problems.filter(({ severity }) => severity === "refuse");
  expect(refusals).not.toEqual([]);
  return refusals.map(({ field, message }) => `${field}: ${message}`);
}
