import { describe, expect, it } from "vitest";
import { parseExcludeList } from "../../../../capabilities/speaker/exclude-list";

describe("parseExcludeList", () => {
  it("reads the list that ships", () => {
    const text = "announcedInterfacesToExclude:\n- ^docker.*\n- ^lo$\n- ^veth.*\n";
    expect(parseExcludeList(text)).toEqual({ ok: true, value: ["^docker.*", "^lo$", "^veth.*"] });
  });

  it.each(["", "---\n", "other: 1\n", "announcedInterfacesToExclude:\n"])(
    "excludes nothing for %j",
    text => {
      expect(parseExcludeList(text)).toEqual({ ok: true, value: [] });
    },
  );

  it.each([
    ["announcedInterfacesToExclude: ^lo$", "has to be a list of texts"],
    ["announcedInterfacesToExclude: [1]", "has to be a list of texts"],
    [
      'announcedInterfacesToExclude: ["^lo$", "eth("]',
      'announcedInterfacesToExclude[1] is no regular expression: "eth("',
    ],
    ["announcedInterfacesToExclude: [", "it is no YAML"],
  ])("says what is wrong with %j", (text, message) => {
    const parsed = parseExcludeList(text);
    expect(parsed.ok ? "" : parsed.error.message).toContain(message);
  });
});
