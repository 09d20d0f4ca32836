/** The part of an OpenAPI v3 schema that the resources use, as data: see generated/schemas.ts. */
export interface ResourceSchema {
  readonly type: "object" | "array" | "string" | "integer" | "boolean";
  readonly format?: string;
  readonly properties?: Readonly<Record<string, ResourceSchema>>;
  readonly additionalProperties?: ResourceSchema;
  readonly items?: ResourceSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}
