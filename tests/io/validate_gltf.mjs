// Prints the report of Khronos glTF-Validator as JSON: node validate_gltf.mjs FILE PACKAGE_FOLDER
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [file, folder] = process.argv.slice(2);
const validator = createRequire(join(folder, "package.json"))("gltf-validator");
const report = await validator.validateBytes(new Uint8Array(readFileSync(file)), { maxIssues: 1000 });
console.log(JSON.stringify(report));
