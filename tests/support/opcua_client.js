// npm node-opcua-client: browses the server named, reads every variable below SortingLine, tries to
// write one, and prints what it sees as JSON.
const path = require("path");
const opcua = require(path.join(process.env.NODE_PACKAGES, "node-opcua-client"));

async function browse(session, nodeId, prefix, found) {
  const result = await session.browse({
    nodeId, referenceTypeId: "HierarchicalReferences", includeSubtypes: true,
    browseDirection: opcua.BrowseDirection.Forward, resultMask: 63,
  });
  for (const reference of result.references || []) {
    const name = prefix + reference.browseName.name;
    if (reference.nodeClass === opcua.NodeClass.Variable) found[name] = reference.nodeId;
    else if (reference.nodeClass === opcua.NodeClass.Object) await browse(session, reference.nodeId, name + ".", found);
  }
}

async function main() {
  const client = opcua.OPCUAClient.create({
    endpointMustExist: false, connectionStrategy: { maxRetry: 2, initialDelay: 200 },
  });
  await client.connect(process.argv[2]);
  const session = await client.createSession();
  const namespaces = await session.readNamespaceArray();
  const index = namespaces.indexOf("urn:sortline:packml");
  const found = {};
  await browse(session, `ns=${index};s=SortingLine`, "", found);
  const tags = {};
  for (const [name, nodeId] of Object.entries(found)) {
    const value = await session.read({ nodeId, attributeId: opcua.AttributeIds.Value });
    const raw = value.value.value;
    const long = Array.isArray(raw) && raw.length === 2;
    tags[name] = { type: opcua.DataType[value.value.dataType], value: long ? raw[0] * 4294967296 + raw[1] : raw };
  }
  const refused = await session.write({
    nodeId: found["Status.StateCurrent"], attributeId: opcua.AttributeIds.Value,
    value: { value: { dataType: opcua.DataType.Int64, arrayType: opcua.VariantArrayType.Scalar, value: [0, 9] } },
  });
  console.log(JSON.stringify({ tags, write: refused.name }));
  await session.close();
  await client.disconnect();
}

main().then(() => process.exit(0), (error) => { console.error(String(error)); process.exit(1); });
