/** Generated from crds/ by scripts/generate-resources.ts (`npm run gen`). Do not edit. */

import type { ResourceSchema } from "../schema";

/** The schema of each kind and served version, without texts, metadata and CEL rules. */
export const RESOURCE_SCHEMAS: Readonly<Record<string, ResourceSchema>> = {
  "BFDProfile/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        properties: {
          receiveInterval: { type: "integer", format: "int32", minimum: 10, maximum: 60000 },
          transmitInterval: { type: "integer", format: "int32", minimum: 10, maximum: 60000 },
          detectMultiplier: { type: "integer", format: "int32", minimum: 2, maximum: 255 },
          echoInterval: { type: "integer", format: "int32", minimum: 10, maximum: 60000 },
          echoMode: { type: "boolean" },
          passiveMode: { type: "boolean" },
          minimumTtl: { type: "integer", format: "int32", minimum: 1, maximum: 254 },
        },
      },
      status: { type: "object" },
    },
  },
  "BGPAdvertisement/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        properties: {
          aggregationLength: { type: "integer", format: "int32", minimum: 1 },
          aggregationLengthV6: { type: "integer", format: "int32" },
          localPref: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
          communities: { type: "array", items: { type: "string" } },
          ipAddressPools: { type: "array", items: { type: "string" } },
          ipAddressPoolSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          nodeSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          serviceSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          asPathPrepend: { type: "integer", format: "int32", minimum: 0, maximum: 10 },
          multiExitDisc: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
          backup: { type: "boolean" },
          weightByEndpoints: { type: "boolean" },
          serviceAttributes: {
            type: "array",
            items: {
              type: "object",
              required: ["serviceSelectors"],
              properties: {
                serviceSelectors: {
                  type: "array",
                  minItems: 1,
                  items: {
                    type: "object",
                    properties: {
                      matchExpressions: {
                        type: "array",
                        items: {
                          type: "object",
                          required: ["key", "operator"],
                          properties: {
                            key: { type: "string" },
                            operator: { type: "string" },
                            values: { type: "array", items: { type: "string" } },
                          },
                        },
                      },
                      matchLabels: { type: "object", additionalProperties: { type: "string" } },
                    },
                  },
                },
                localPref: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
                communities: { type: "array", items: { type: "string" } },
                asPathPrepend: { type: "integer", format: "int32", minimum: 0, maximum: 10 },
                multiExitDisc: {
                  type: "integer",
                  format: "int64",
                  minimum: 0,
                  maximum: 4294967295,
                },
              },
            },
          },
          peers: { type: "array", items: { type: "string" } },
        },
      },
      status: { type: "object" },
    },
  },
  "BGPPeer/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        required: ["myASN", "peerASN", "peerAddress"],
        properties: {
          myASN: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
          peerASN: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
          peerAddress: { type: "string" },
          sourceAddress: { type: "string" },
          peerPort: { type: "integer", minimum: 0, maximum: 65535 },
          holdTime: { type: "string" },
          keepaliveTime: { type: "string" },
          routerID: { type: "string" },
          nodeSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator", "values"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", minItems: 1, items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          password: { type: "string" },
          bfdProfile: { type: "string" },
          ebgpMultiHop: { type: "boolean" },
        },
      },
      status: { type: "object" },
    },
  },
  "BGPPeer/v1beta2": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        required: ["myASN"],
        properties: {
          myASN: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
          peerASN: { type: "integer", format: "int64", minimum: 0, maximum: 4294967295 },
          dynamicASN: { type: "string", enum: ["internal", "external"] },
          localASN: { type: "integer", format: "int64", minimum: 1, maximum: 4294967295 },
          peerAddress: { type: "string" },
          interface: { type: "string" },
          sourceAddress: { type: "string" },
          peerPort: { type: "integer", minimum: 1, maximum: 65535 },
          holdTime: { type: "string" },
          keepaliveTime: { type: "string" },
          connectTime: { type: "string" },
          routerID: { type: "string" },
          nodeSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          password: { type: "string" },
          passwordSecret: {
            type: "object",
            properties: { name: { type: "string" }, namespace: { type: "string" } },
          },
          bfdProfile: { type: "string" },
          enableGracefulRestart: { type: "boolean" },
          ebgpMultiHop: { type: "boolean" },
          ttlSecurityHops: { type: "integer", format: "int32", minimum: 1, maximum: 254 },
          vrf: { type: "string" },
          disableMP: { type: "boolean" },
          dualStackAddressFamily: { type: "boolean" },
        },
      },
      status: { type: "object" },
    },
  },
  "Community/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        properties: {
          communities: {
            type: "array",
            items: {
              type: "object",
              properties: { name: { type: "string" }, value: { type: "string" } },
            },
          },
        },
      },
      status: { type: "object" },
    },
  },
  "ConfigurationState/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      status: {
        type: "object",
        properties: {
          result: { type: "string", enum: ["Valid", "Invalid", "Unknown"] },
          errorSummary: { type: "string" },
          conditions: {
            type: "array",
            items: {
              type: "object",
              required: ["lastTransitionTime", "message", "reason", "status", "type"],
              properties: {
                type: {
                  type: "string",
                  maxLength: 316,
                  pattern:
                    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                },
                status: { type: "string", enum: ["True", "False", "Unknown"] },
                reason: {
                  type: "string",
                  minLength: 1,
                  maxLength: 1024,
                  pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                message: { type: "string", maxLength: 32768 },
                lastTransitionTime: { type: "string", format: "date-time" },
                observedGeneration: { type: "integer", format: "int64", minimum: 0 },
              },
            },
          },
        },
      },
    },
  },
  "IPAddressPool/v1beta1": {
    type: "object",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        required: ["addresses"],
        properties: {
          addresses: { type: "array", items: { type: "string" } },
          autoAssign: { type: "boolean" },
          avoidBuggyIPs: { type: "boolean" },
          addressOrder: { type: "string", enum: ["LowestFirst", "LeastRecentlyUsed"] },
          sharing: { type: "string", enum: ["AcrossNamespaces", "WithinNamespace"] },
          maxAddressesPerNamespace: {
            type: "integer",
            format: "int64",
            minimum: 1,
            maximum: 1000000000,
          },
          serviceAllocation: {
            type: "object",
            properties: {
              priority: { type: "integer" },
              namespaces: { type: "array", items: { type: "string" } },
              namespaceSelectors: {
                type: "array",
                items: {
                  type: "object",
                  properties: {
                    matchExpressions: {
                      type: "array",
                      items: {
                        type: "object",
                        required: ["key", "operator"],
                        properties: {
                          key: { type: "string" },
                          operator: { type: "string" },
                          values: { type: "array", items: { type: "string" } },
                        },
                      },
                    },
                    matchLabels: { type: "object", additionalProperties: { type: "string" } },
                  },
                },
              },
              serviceSelectors: {
                type: "array",
                items: {
                  type: "object",
                  properties: {
                    matchExpressions: {
                      type: "array",
                      items: {
                        type: "object",
                        required: ["key", "operator"],
                        properties: {
                          key: { type: "string" },
                          operator: { type: "string" },
                          values: { type: "array", items: { type: "string" } },
                        },
                      },
                    },
                    matchLabels: { type: "object", additionalProperties: { type: "string" } },
                  },
                },
              },
            },
          },
        },
      },
      status: {
        type: "object",
        required: ["assignedIPv4", "assignedIPv6", "availableIPv4", "availableIPv6"],
        properties: {
          assignedIPv4: { type: "integer", format: "int64" },
          assignedIPv6: { type: "integer", format: "int64" },
          availableIPv4: { type: "integer", format: "int64" },
          availableIPv6: { type: "integer", format: "int64" },
          holders: {
            type: "array",
            items: {
              type: "object",
              required: ["address", "services"],
              properties: {
                address: { type: "string" },
                services: { type: "array", items: { type: "string" } },
              },
            },
          },
          reservations: {
            type: "array",
            items: {
              type: "object",
              required: ["addresses", "service", "until"],
              properties: {
                addresses: { type: "array", items: { type: "string" } },
                service: { type: "string" },
                until: { type: "string", format: "date-time" },
              },
            },
          },
        },
      },
    },
  },
  "L2Advertisement/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: {
        type: "object",
        properties: {
          ipAddressPools: { type: "array", items: { type: "string" } },
          ipAddressPoolSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          nodeSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          interfaces: { type: "array", items: { type: "string" } },
          serviceSelectors: {
            type: "array",
            items: {
              type: "object",
              properties: {
                matchExpressions: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["key", "operator"],
                    properties: {
                      key: { type: "string" },
                      operator: { type: "string" },
                      values: { type: "array", items: { type: "string" } },
                    },
                  },
                },
                matchLabels: { type: "object", additionalProperties: { type: "string" } },
              },
            },
          },
          preferredNodeSelectors: {
            type: "array",
            items: {
              type: "object",
              required: ["weight", "preference"],
              properties: {
                weight: { type: "integer", format: "int32", minimum: 1, maximum: 100 },
                preference: {
                  type: "object",
                  properties: {
                    matchExpressions: {
                      type: "array",
                      items: {
                        type: "object",
                        required: ["key", "operator"],
                        properties: {
                          key: { type: "string" },
                          operator: { type: "string" },
                          values: { type: "array", items: { type: "string" } },
                        },
                      },
                    },
                    matchLabels: { type: "object", additionalProperties: { type: "string" } },
                  },
                },
              },
            },
          },
        },
      },
      status: { type: "object" },
    },
  },
  "ServiceBGPStatus/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: { type: "object" },
      status: {
        type: "object",
        properties: {
          node: { type: "string" },
          serviceName: { type: "string" },
          serviceNamespace: { type: "string" },
          peers: { type: "array", items: { type: "string" } },
        },
      },
    },
  },
  "ServiceL2Status/v1beta1": {
    type: "object",
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      spec: { type: "object" },
      status: {
        type: "object",
        properties: {
          node: { type: "string" },
          serviceName: { type: "string" },
          serviceNamespace: { type: "string" },
          interfaces: {
            type: "array",
            items: { type: "object", properties: { name: { type: "string" } } },
          },
          conditions: {
            type: "array",
            items: {
              type: "object",
              required: ["lastTransitionTime", "message", "reason", "status", "type"],
              properties: {
                type: { type: "string", maxLength: 316 },
                status: { type: "string", enum: ["True", "False", "Unknown"] },
                reason: { type: "string", minLength: 1, maxLength: 1024 },
                message: { type: "string", maxLength: 32768 },
                lastTransitionTime: { type: "string", format: "date-time" },
              },
            },
          },
        },
      },
    },
  },
};
