// npm sparkplug-payload (Eclipse Tahu's own): one base64 payload a line in, one JSON a line out.
// With `encode`: JSON in, base64 out.
const path = require("path");
const readline = require("readline");
const sparkplug = require(path.join(process.env.NODE_PACKAGES, "sparkplug-payload")).get("spBv1.0");

const plain = (_key, value) =>
  value !== null && typeof value === "object" && "low" in value && "high" in value
    ? value.high * 4294967296 + (value.low >>> 0)
    : value;

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  if (process.argv[2] === "encode") {
    console.log(Buffer.from(sparkplug.encodePayload(JSON.parse(line))).toString("base64"));
  } else {
    console.log(JSON.stringify(sparkplug.decodePayload(Buffer.from(line, "base64")), plain));
  }
});
