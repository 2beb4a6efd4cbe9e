// A SCIM service of scimmy-routers that keeps everything in memory: `node scimmy.cjs PORT TOKEN` with NODE_PATH.
// It differs from scim2-server where services do: it keeps connections, has no version of an object, answers a PATCH with
// the object, takes a member twice, and gives 20 objects to a page however many were asked for.
const crypto = require("node:crypto");
const express = require("express");
const SCIMMY = require("scimmy");
const loaded = require("scimmy-routers");

const Routers = loaded.default ?? loaded;

const [port, token] = process.argv.slice(2);

function keep(Resource, name) {
    const objects = new Map();
    const said = (object) => JSON.parse(JSON.stringify(object));
    SCIMMY.Resources.declare(Resource)
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
keep(SCIMMY.Resources.User, "userName");
keep(SCIMMY.Resources.Group, "displayName");

const app = express();
app.use(["/scim/Users", "/scim/Groups"], (request, response, next) => {
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
