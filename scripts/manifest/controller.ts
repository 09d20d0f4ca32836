import {
  command,
  containerRights,
  fromField,
  MEMBERLIST_SECRET,
  METRICS_PORT,
  PROBE_PORT,
  probes,
  restrictedPod,
  workload,
  type Installation,
} from "./pod-parts";
import type { ManifestObject } from "./rbac";

/** The controller: one Pod; during an upgrade the new one waits warm for the Lease of the old one. */
export function controllerDeployment({ namespace, image }: Installation): ManifestObject {
  return workload("Deployment", "controller", namespace, {
    own: {
      replicas: 1,
      revisionHistoryLimit: 3,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    },
    pod: {
      terminationGracePeriodSeconds: 5,
      securityContext: restrictedPod,
      containers: [
        {
          name: "controller",
          image,
          imagePullPolicy: "IfNotPresent",
          command: command("controller"),
          args: [`--port=${METRICS_PORT}`, "--log-level=info"],
          env: [
            { name: "METALLB_ML_SECRET_NAME", value: MEMBERLIST_SECRET },
            { name: "METALLB_DEPLOYMENT", value: "controller" },
            fromField("METALLB_POD_NAME", "metadata.name"),
            fromField("METALLB_NAMESPACE", "metadata.namespace"),
          ],
          ports: [
            { name: "metricshttps", containerPort: METRICS_PORT },
            { name: "monitoring", containerPort: PROBE_PORT },
          ],
          ...probes(PROBE_PORT),
          securityContext: containerRights([]),
        },
      ],
    },
  });
}
