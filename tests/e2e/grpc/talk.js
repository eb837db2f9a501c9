/* A gRPC server and a client of it behind vif: node talk.js ADDRESS_OF_SERVER ADDRESS_OF_VIF. Prints what came of each
 * call, a line each. Messages are bytes, so nothing is generated from a schema. With three files, a certificate, its key
 * and the issuer of its clients' certificates, the server speaks TLS and demands a certificate. */
const fs = require("fs");
const grpc = require("@grpc/grpc-js");

const [own, through, ...files] = process.argv.slice(2);

function method(name, requestStream, responseStream) {
  const same = bytes => bytes;
  return {path: `/test.Test/${name}`, requestStream, responseStream, requestSerialize: same, requestDeserialize: same,
          responseSerialize: same, responseDeserialize: same};
}

const service = {
  unary: method("unary", false, false),
  fail: method("fail", false, false),
  never: method("never", false, false),
  down: method("down", false, true),
  up: method("up", true, false),
  both: method("both", true, true),
};

let noteCancelled;
const cancelled = new Promise(resolve => { noteCancelled = resolve; });

const implementation = {
  unary: (call, done) => done(null, Buffer.concat([Buffer.from("hello "), call.request])),
  fail: (call, done) => done({code: grpc.status.NOT_FOUND, details: "no such thing"}),
  never: call => call.on("cancelled", noteCancelled),
  down: call => {
    for (let i = 0; i < 5; i++)
      call.write(Buffer.from(String(i)));
    call.end();
  },
  up: (call, done) => {
    let total = 0;
    call.on("data", bytes => { total += bytes.length; });
    call.on("end", () => done(null, Buffer.from(String(total))));
  },
  both: call => {
    call.on("data", bytes => call.write(bytes));
    call.on("end", () => call.end());
  },
};

function ask(client, name, options = {}) {
  return new Promise(resolve => client[name](Buffer.from("you"), options, (error, bytes) =>
    resolve(error ? `${grpc.status[error.code]}` : bytes.toString())));
}

function download(client) {
  return new Promise(resolve => {
    const call = client.down(Buffer.from(""));
    let text = "";
    call.on("data", bytes => { text += bytes; });
    call.on("error", () => {});
    call.on("status", status => resolve(`${text} ${grpc.status[status.code]}`));
  });
}

function upload(client) {
  return new Promise(resolve => {
    const call = client.up((error, bytes) => resolve(error ? error.message : bytes.toString()));
    for (let i = 0; i < 50; i++)
      call.write(Buffer.alloc(10000));
    call.end();
  });
}

/* Each message waits for the answer to the one before. */
function pingPong(client) {
  return new Promise(resolve => {
    const call = client.both();
    let count = 0;
    call.on("data", () => {
      count++;
      if (count < 10)
        call.write(Buffer.from("ping"));
      else
        call.end();
    });
    call.on("error", () => {});
    call.on("status", status => resolve(`${count} ${grpc.status[status.code]}`));
    call.write(Buffer.from("ping"));
  });
}

async function talk() {
  const Client = grpc.makeGenericClientConstructor(service, "Test");
  const client = new Client(through, grpc.credentials.createInsecure());
  console.log("unary", await ask(client, "unary"));
  console.log("fail", await ask(client, "fail"));
  console.log("down", await download(client));
  console.log("up", await upload(client));
  console.log("both", await pingPong(client));
  console.log("never", await ask(client, "never", {deadline: Date.now() + 1000}));
  await cancelled;
  console.log("cancelled");
  process.exit(0);
}

function credentials() {
  if (files.length === 0)
    return grpc.ServerCredentials.createInsecure();
  const [certificate, key, issuer] = files.map(file => fs.readFileSync(file));
  return grpc.ServerCredentials.createSsl(issuer, [{cert_chain: certificate, private_key: key}], true);
}

const server = new grpc.Server();
server.addService(service, implementation);
server.bindAsync(own, credentials(), talk);
