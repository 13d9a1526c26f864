// The TypeScript SDK's client: both eras, over HTTP.
import assert from 'node:assert';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

for (const mode of ['auto', 'legacy']) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(process.argv[2])));
  const { tools } = await client.listTools();
  assert(tools.some((tool) => tool.name === 'create_model'));
  const answer = await client.callTool({ name: 'list_resources', arguments: {} });
  assert.equal(answer.structuredContent.resources[0].name, 'emulator-eastus');
  await client.close();
}
