/** `npm run demo` as a user runs it: what it prints, that its exit status tells the truth, that nothing stays. */
import { describe, expect, it } from "vitest";
import { Lab } from "../../lab/lab";
import { REPOSITORY } from "../../lab/paths";
import { run } from "../../lab/run";

const NAME = "demo-test";

function demo(...flags: readonly string[]) {
  return run(["npm", "run", "--silent", "demo", "--", ...flags], {
    cwd: REPOSITORY,
    check: false,
    timeoutMs: 110_000,
  });
}

describe("npm run demo", () => {
  it("shows the refusal, the address, the announcer, the page and the take-over, and cleans up", async () => {
    const { status, stdout, stderr } = await demo("--name", NAME);
    expect(stderr).not.toContain("demo failed");
    expect(status).toBe(0);
    expect(stdout).toContain("denied the request");
    expect(stdout).toMatch(/nginx +LoadBalancer +\S+ +192\.168\.1\.240 /);
    expect(stdout).toMatch(/announcing from node "n[123]"/);
    expect(stdout).toContain("<h1>Welcome to nginx!</h1>");
    expect(stdout).toMatch(/Reply 192\.168\.1\.240 is-at 02:00:c0:a8:01:0[bcd]/);
    expect(stdout).toMatch(/n[123] answers \d+ ms later/);
    expect(stdout).toContain("nothing was left behind");
    expect(Lab.isRunning(NAME)).toBe(false);
  });

  it("ends with another status and one line when it cannot do what it shows", async () => {
    const { status, stderr } = await demo("--name", "Not a name");
    expect(status).toBe(1);
    expect(stderr).toContain('demo failed: "Not a name" cannot name a lab');
  });

  it("explains itself", async () => {
    const { status, stdout } = await demo("--help");
    expect(status).toBe(0);
    expect(stdout).toContain("--keep");
  });
});
