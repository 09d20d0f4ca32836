/** The resources of the demo, as a user would write them. */
import { NGINX_IMAGE } from "./images";

/** A typing error that MetalLB's users make: an address with five octets. */
export const badPool = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: typing-error, namespace: metallb-system}
spec:
  addresses: ["192.168.1.240-192.168.1.2500"]
`;

export const firstPool = `
apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: {name: first-pool, namespace: metallb-system}
spec:
  addresses: ["192.168.1.240/28"]
---
apiVersion: metallb.io/v1beta1
kind: L2Advertisement
metadata: {name: first-pool, namespace: metallb-system}
spec:
  ipAddressPools: [first-pool]
`;

export const nginx = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx}
spec:
  replicas: 3
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: nginx
        image: ${NGINX_IMAGE}
        imagePullPolicy: IfNotPresent
        ports: [{containerPort: 80}]
        readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: nginx}
spec:
  type: LoadBalancer
  selector: {app: nginx}
  ports: [{port: 80, targetPort: 80}]
`;
