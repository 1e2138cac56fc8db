// The three calls of the Docker Engine that a session server needs, over its socket.
import http from "node:http";

const socketPath = (process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock").replace(/^unix:\/\//, "");
const installation = process.env.INSTALLATION ?? "example";

/** Makes a container that says whose it is, and returns its full id. */
export async function createContainer(image: string, session: string): Promise<string> {
  const created = await call("POST", "/containers/create", {
    Image: image,
    Labels: {
      "io.session-controller.session": session,
      "io.session-controller.installation": installation,
    },
    HostConfig: { NetworkMode: "none" },
  });
  return (JSON.parse(created) as { Id: string }).Id;
}

export async function startContainer(id: string): Promise<void> {
  await call("POST", `/containers/${id}/start`);
}

export async function removeContainer(id: string): Promise<void> {
  await call("DELETE", `/containers/${id}`);
}

function call(method: string, path: string, body?: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json" };
    const request = http.request({ socketPath, method, path: `/v1.41${path}`, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => {
        if ((response.statusCode ?? 500) < 300) resolve(text);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      });
    });
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
