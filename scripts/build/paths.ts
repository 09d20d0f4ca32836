import { join, resolve } from "node:path";

/** The top of the repository; everything else is named from here. */
export const repository = resolve(__dirname, "../..");
export const distFolder = join(repository, "dist");
