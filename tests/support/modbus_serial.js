// npm modbus-serial in both roles: `slave PORT` serves registers and coils of its own; `master PORT
// UNIT` reads the map's head, writes the mailbox given on its input, and prints what it sees as JSON.
const path = require("path");
const ModbusRTU = require(path.join(process.env.NODE_PACKAGES, "modbus-serial"));

const [role, port, unit] = process.argv.slice(2);

function slave() {
  const registers = new Uint16Array(2048);
  const coils = new Uint8Array(800);
  const vector = {
    getHoldingRegister: (address) => registers[address],
    setRegister: (address, value) => { registers[address] = value; },
    getCoil: (address) => coils[address] === 1,
    setCoil: (address, value) => { coils[address] = value ? 1 : 0; },
  };
  const options = { host: "127.0.0.1", port: Number(port), debug: false, unitID: 5 };
  const server = new ModbusRTU.ServerTCP(vector, options);
  server.on("initialized", () => console.log("ready"));
}

async function master() {
  const client = new ModbusRTU();
  await client.connectTCP("127.0.0.1", { port: Number(port) });
  client.setID(Number(unit));
  client.setTimeout(2000);
  const head = await client.readHoldingRegisters(0, 123);
  const words = JSON.parse(process.env.MAILBOX);
  await client.writeRegisters(1028, words);
  await new Promise((done) => setTimeout(done, 100));
  const after = await client.readHoldingRegisters(0, 39);
  const coils = await client.readCoils(0, 16);
  let refused = "";
  try {
    await client.readHoldingRegisters(9000, 1);
  } catch (error) {
    refused = error.message;
  }
  client.close(() => {});
  console.log(JSON.stringify({ head: head.data, after: after.data, coils: coils.data, refused }));
}

if (role === "slave") {
  slave();
} else {
  master().catch((error) => { console.error(error); process.exit(1); });
}
