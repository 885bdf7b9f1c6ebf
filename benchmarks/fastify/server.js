// A mock of the contract as one writes it by hand: fastify, ajv for the body, and nothing is kept.
//
//     node server.js CONTRACT
"use strict";

const fs = require("node:fs");
const Ajv = require("ajv/dist/2020");
const addFormats = require("ajv-formats");
const fastify = require("fastify");
const yaml = require("yaml");

// Evidence stands behind many aliases; the limit is for files of strangers.
const contract = yaml.parse(fs.readFileSync(process.argv[2], "utf8"), { maxAliasCount: -1 });
const [[url, { post }]] = Object.entries(contract.paths);
const price = Number(post["x-campaign"].price.value);
const loginAndKey = Object.values(contract.components.securitySchemes).map(({ name }) => name);

// Not strict: the contract has keywords of its own, x-lenient and others.
const ajv = addFormats(new Ajv({ strict: false }));
ajv.addSchema({ $id: "contract", components: contract.components });

const app = fastify();
app.setValidatorCompiler(({ schema }) => ajv.compile(schema));
app.addHook("onRequest", (request, reply, next) => {
  if (loginAndKey.every((name) => request.headers[name])) next();
  else reply.code(401).send({ code: 401, message: "Unauthorized" });
});

let tickets = 0;
app.post(
  url,
  {
    schema: {
      body: { $ref: "contract#/components/schemas/VoiceCampaign" },
      // With it fastify writes the answer faster than JSON.stringify does.
      response: { 201: contract.components.schemas.CampaignAccepted },
    },
  },
  (request, reply) => {
    const contacts = request.body.recipients.length;
    tickets += 1;
    reply.code(201).send({
      ticket_number: `voice_${tickets.toString(16).padStart(13, "0")}`,
      number_of_contacts: contacts,
      total_cost: contacts * price,
      estimated_duration: 30,
      residual_credit: 150,
    });
  },
);

app
  .listen({ host: "127.0.0.1", port: 0 })
  .then((address) => console.log(`Listening on ${address}`));
