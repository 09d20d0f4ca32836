import { join, resolve } from "node:path";

/** The top of the repository; everything else is named from here. */
export const repository = resolve(__dirname, "../..");
export const distFolder = join(repository, "dist");

/** Herald's namespace where nothing else is said. */
export const DEFAULT_NAMESPACE = "metallb-system";
