// A SCIM service of scimmy-routers that keeps everything in memory: `node scimmy.cjs PORT TOKEN [TYPES]` with NODE_PATH.
// TYPES is a JSON file with further schemas and resource types, as RFC 7643 sections 6 and 7 have them.
// It differs from scim2-server where services do: it keeps connections, has no version of an object, answers a PATCH with
// the object, takes a member twice, and gives 20 objects to a page however many were asked for.
const crypto = require("node:crypto");
const fs = require("node:fs");
const express = require("express");
const SCIMMY = require("scimmy");
const loaded = require("scimmy-routers");

const Routers = loaded.default ?? loaded;

const [port, token, file] = process.argv.slice(2);

const further = file ? JSON.parse(fs.readFileSync(file, "utf8")) : { schemas: [], resourceTypes: [] };

function attribute({ name, type, multiValued, required, caseExact, mutability, referenceTypes, subAttributes }) {
    const config = { multiValued, required, mutable: mutability === "readWrite" ? true : mutability };
    if (caseExact !== undefined) config.caseExact = caseExact;
    if (referenceTypes) config.referenceTypes = referenceTypes;
    return new SCIMMY.Types.Attribute(type, name, config, (subAttributes ?? []).map(attribute));
}

const definitions = new Map(further.schemas.map(({ id, name, description, attributes }) =>
    [id, new SCIMMY.Types.SchemaDefinition(name, id, description, attributes.map(attribute))]));

// A type as scimmy has its own: a class of what is said, and one of what is done.
function typeOf({ endpoint, schema }) {
    const definition = definitions.get(schema);
    class Said extends SCIMMY.Types.Schema {
        static get id() { return definition.id; }
        static get definition() { return definition; }
        constructor(resource, direction = "both", basepath, filters) {
            super(resource, direction);
            Object.assign(this, definition.coerce(resource, direction, basepath, filters));
        }
    }
    const handlers = {};
    let place;
    return class Own extends SCIMMY.Types.Resource {
        static get endpoint() { return endpoint; }
        static get schema() { return Said; }
        static basepath(path) {
            if (path === undefined) return place;
            place = path.endsWith(endpoint) ? path : `${path}${endpoint}`;
            return Own;
        }
        static ingress(handler) { handlers.ingress = handler; return Own; }
        static egress(handler) { handlers.egress = handler; return Own; }
        static degress(handler) { handlers.degress = handler; return Own; }
        out(object) { return new Said(object, "out", place, this.attributes); }
        async read(context) {
            const found = await handlers.egress(this, context);
            if (this.id) return this.out(found);
            return new SCIMMY.Messages.ListResponse(found.map((object) => this.out(object)), this.constraints);
        }
        async write(instance, context) {
            try {
                return this.out(await handlers.ingress(this, new Said(instance, "in"), context));
            } catch (error) {
                throw error instanceof TypeError ? new SCIMMY.Types.Error(400, "invalidValue", error.message) : error;
            }
        }
        async patch(message, context) {
            const changed = await new SCIMMY.Messages.PatchOp(message)
                .apply(await this.read(context), (instance) => this.write(instance, context));
            return changed && this.out(changed);
        }
        async dispose(context) { await handlers.degress(this, context); }
    };
}

function keep(Resource, name, title = Resource.name) {
    const objects = new Map();
    const said = (object) => JSON.parse(JSON.stringify(object));
    SCIMMY.Resources.declare(Resource, title)
        .ingress((resource, data) => {
            const object = said(data);
            const same = (other) => String(other[name]).toLowerCase() === String(object[name]).toLowerCase();
            if ([...objects.values()].some((other) => other.id !== resource.id && same(other))) {
                throw new SCIMMY.Types.Error(409, "uniqueness", `${name} is taken`);
            }
            const id = resource.id ?? crypto.randomUUID();
            if (resource.id && !objects.has(id)) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
            const now = new Date();
            const created = objects.get(id)?.meta.created ?? now;
            objects.set(id, { ...object, id, meta: { created, lastModified: now } });
            return objects.get(id);
        })
        .egress((resource) => {
            if (resource.id) {
                if (!objects.has(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
                return objects.get(resource.id);
            }
            const all = [...objects.values()];
            return resource.filter ? resource.filter.match(all) : all;
        })
        .degress((resource) => {
            if (!objects.delete(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
        });
}

SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser);
const own = { User: SCIMMY.Resources.User, Group: SCIMMY.Resources.Group };
for (const { name, schemaExtensions } of further.resourceTypes) {
    for (const { schema } of schemaExtensions ?? []) {
        if (definitions.has(schema)) own[name].extend(definitions.get(schema));
    }
}
keep(SCIMMY.Resources.User, "userName");
keep(SCIMMY.Resources.Group, "displayName");
const others = further.resourceTypes.filter(({ name }) => !own[name]);
others.forEach((type) => keep(typeOf(type), "externalId", type.name));

const app = express();
app.use(["/Users", "/Groups", ...others.map(({ endpoint }) => endpoint)].map((endpoint) => `/scim${endpoint}`), (request, response, next) => {
    if (request.method === "GET" && request.path === "/") {
        const count = Math.min(Number(request.query.count ?? 20), 20);
        // Express 5 reads the query anew each time.
        Object.defineProperty(request, "query", { value: { ...request.query, count } });
    }
    next();
});
app.use("/scim", new Routers({
    type: "bearer",
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${token}`) throw new Error("Not authenticated");
        return "tests";
    },
}));
app.listen(Number(port), "127.0.0.1", () => console.log("listening"));
