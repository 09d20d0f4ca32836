import { describe, expect, it } from "vitest";
import { admissionOptions } from "../../../../capabilities/admission/options";
import { parseOptions } from "../../../../capabilities/cluster/options";
import { controllerOptions } from "../../../../capabilities/controller/options";
import { retiredFlags, withAcceptedFlags } from "../../../../scripts/loaders/accepted-flags";

/** Every flag of MetalLB's controller, as its chart or a person may give them. */
const metallb = [
  "--port=9120",
  "--namespace=metallb-system",
  "--pod-name=controller-0",
  "--ml-secret-name=memberlist",
  "--deployment=controller",
  "--log-level=info",
  "--pprof-bind-address=127.0.0.1:6060",
  "--health-probe-port=17472",
  "--disable-cert-rotation",
  "--cert-dir=/tmp/certs",
  "--cert-service-name=metallb-webhook-service",
  "--webhook-secret=metallb-webhook-cert",
  "--webhook-mode=enabled",
  "--webhook-http2=false",
  "--lb-class=",
  "--tls-min-version=VersionTLS12",
  "--tls-cipher-suites=",
  "--tls-curve-preferences=",
  "--kubeconfig=/dev/null",
  "--metrics-cert-dir=/etc/metrics",
];

describe.each([
  { name: "admission", table: admissionOptions },
  { name: "controller", table: controllerOptions },
])("$name", ({ name, table }) => {
  const program = { name, table: withAcceptedFlags(table), retired: retiredFlags };

  it("starts with the arguments of MetalLB's controller", () => {
    const parsed = parseOptions(program, { argv: metallb, env: {} });
    expect(parsed).toMatchObject({
      type: "options",
      options: { metricsPort: 9120, healthProbePort: 17_472, podName: "controller-0" },
    });
  });

  it("says which flags with a value have no effect", () => {
    const argv = ["--tls-cipher-suites=X", "--tls-curve-preferences=", "--webhook-http2"];
    const parsed = parseOptions(program, { argv, env: {} });
    expect(parsed).toMatchObject({
      notices: [
        "--tls-cipher-suites is accepted for MetalLB's sake and has no effect here",
        "--webhook-http2 is accepted for MetalLB's sake and has no effect here",
      ],
    });
  });

  it("keeps its own meaning of a flag that both have", () => {
    const specs = Object.values(program.table).map(spec => spec.flag);
    expect(new Set(specs).size).toBe(specs.length);
    expect(program.table).toMatchObject(table);
  });

  it("still refuses a flag that nobody has", () => {
    const parsed = parseOptions(program, { argv: ["--webook-mode=enabled"], env: {} });
    expect(parsed).toMatchObject({ type: "wrong" });
  });
});
