// A subscriber in plain Node.js: it takes events, opens them, and says what has to be done.
import { readFile } from "node:fs/promises";
import amqp from "amqplib";
import { compactDecrypt, importJWK } from "jose";

const { RABBITMQ_URL, VAGUS_PROJECT, KEY = "keys/front_desk.jwk" } = process.env;
const key = await importJWK(JSON.parse(await readFile(KEY, "utf8")), "dir");
const seen = new Set(); // an event may come twice; a real program remembers this on disk

async function opened({ content, properties: { messageId, headers } }) {
  const { plaintext, protectedHeader } = await compactDecrypt(content.toString(), key);
  const type = headers["cloudEvents:type"];
  if (protectedHeader.cty !== `application/fhir+json;id=${messageId};type=${type}`) {
    throw new Error("the content belongs to another event");
  }
  return JSON.parse(new TextDecoder().decode(plaintext));
}

const channel = await (await amqp.connect(RABBITMQ_URL)).createChannel();
await channel.prefetch(1); // one after the other: the order of the queue is kept
await channel.consume(`vagus.${VAGUS_PROJECT}.to.front_desk.0`, async (message) => {
  const { messageId, headers } = message.properties;
  try {
    if (!seen.has(messageId)) {
      const bundle = await opened(message);
      const task = bundle.entry.map((item) => item.resource).find((it) => it.resourceType === "Task");
      console.log(`${headers["cloudEvents:type"]} after ${headers["vagus-cause"]}: ${task.code.text}`);
      seen.add(messageId);
    }
    channel.ack(message);
  } catch {
    channel.reject(message, false); // to vagus.PROJECT.dead.front_desk; never log the content
  }
});
console.log("listening");
