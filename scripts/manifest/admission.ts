/** The webhooks' Pods, their Secret and Service, and the budget that leaves one of them during a drain. */
import { WEBHOOK_SECRET } from "../../capabilities/admission/webhook-secret";
import {
  command,
  containerRights,
  fromField,
  labels,
  METRICS_FLAGS,
  METRICS_PORT,
  METRICS_PORT_NAME,
  PROBE_PORT,
  probes,
  restrictedPod,
  SMALL_HEAP,
  WEBHOOK_PORT,
  WEBHOOK_SERVICE,
  workload,
  type Installation,
} from "./pod-parts";
import type { ManifestObject } from "./rbac";

/** Time in which every API server learns that this Pod is leaving, while it still answers. */
const LEAVING_SECONDS = 5;

export function admissionObjects(installation: Installation): readonly ManifestObject[] {
  const { namespace } = installation;
  return [
    emptySecret(namespace),
    admissionDeployment(installation),
    webhookService(namespace),
    budget(namespace),
  ];
}

/** Filled by the Pods. It is here so that it goes with the installation; applied again, it loses nothing. */
function emptySecret(namespace: string): ManifestObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: WEBHOOK_SECRET, namespace, labels: labels("admission") },
    type: "Opaque",
  };
}

function admissionDeployment({ namespace, image }: Installation): ManifestObject {
  return workload("Deployment", "admission", namespace, {
    own: {
      replicas: 2,
      revisionHistoryLimit: 3,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    },
    pod: {
      terminationGracePeriodSeconds: LEAVING_SECONDS + 5,
      securityContext: restrictedPod,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: labels("admission") },
        },
      ],
      containers: [
        {
          name: "admission",
          image,
          imagePullPolicy: "IfNotPresent",
          command: command("admission"),
          args: [
            ...METRICS_FLAGS,
            `--health-probe-port=${PROBE_PORT}`,
            `--webhook-port=${WEBHOOK_PORT}`,
            "--log-level=info",
          ],
          env: [
            fromField("METALLB_POD_NAME", "metadata.name"),
            fromField("METALLB_NAMESPACE", "metadata.namespace"),
            ...SMALL_HEAP,
          ],
          ports: [
            { name: "webhook-server", containerPort: WEBHOOK_PORT },
            { name: METRICS_PORT_NAME, containerPort: METRICS_PORT },
            { name: "probes", containerPort: PROBE_PORT },
          ],
          lifecycle: { preStop: { sleep: { seconds: LEAVING_SECONDS } } },
          ...probes(PROBE_PORT),
          securityContext: containerRights([]),
        },
      ],
    },
  });
}

function webhookService(namespace: string): ManifestObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: WEBHOOK_SERVICE, namespace, labels: labels("admission") },
    spec: {
      ports: [{ name: "https", port: 443, targetPort: WEBHOOK_PORT }],
      selector: labels("admission"),
      // What one client writes one after the other goes to one replica, which knows what it has just let through (docs/adr/0003).
      sessionAffinity: "ClientIP",
    },
  };
}

function budget(namespace: string): ManifestObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "admission", namespace, labels: labels("admission") },
    spec: { minAvailable: 1, selector: { matchLabels: labels("admission") } },
  };
}
