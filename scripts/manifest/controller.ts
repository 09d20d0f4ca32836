import { LEASE_NAME } from "../../capabilities/controller/leadership";
import {
  command,
  containerRights,
  fromField,
  labels,
  MEMBERLIST_SECRET,
  METRICS_FLAGS,
  METRICS_PORT,
  METRICS_PORT_NAME,
  PROBE_PORT,
  probes,
  restrictedPod,
  SMALL_HEAP,
  workload,
  type Installation,
} from "./pod-parts";
import type { ManifestObject } from "./rbac";

export function controllerObjects(installation: Installation): readonly ManifestObject[] {
  return [lease(installation.namespace), controllerDeployment(installation)];
}

/** Nobody's at first. It is here so that it goes with the installation. */
function lease(namespace: string): ManifestObject {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: LEASE_NAME, namespace, labels: labels("controller") },
  };
}

/** The controller: one Pod; during an upgrade the new one waits warm for the Lease of the old one. */
function controllerDeployment({ namespace, image }: Installation): ManifestObject {
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
          args: [...METRICS_FLAGS, "--log-level=info"],
          env: [
            { name: "METALLB_ML_SECRET_NAME", value: MEMBERLIST_SECRET },
            { name: "METALLB_DEPLOYMENT", value: "controller" },
            fromField("METALLB_POD_NAME", "metadata.name"),
            fromField("METALLB_NAMESPACE", "metadata.namespace"),
            ...SMALL_HEAP,
          ],
          ports: [
            { name: METRICS_PORT_NAME, containerPort: METRICS_PORT },
            { name: "probes", containerPort: PROBE_PORT },
          ],
          ...probes(PROBE_PORT),
          securityContext: containerRights([]),
        },
      ],
    },
  });
}
