// A party's key that is made in this browser, stays in it, and signs what the page shows.
const DATABASE = "openbpo-keys", STORE = "keys";

function opened() {
  return new Promise((done, failed) => {
    const asking = indexedDB.open(DATABASE, 1);
    asking.onupgradeneeded = () => asking.result.createObjectStore(STORE);
    asking.onsuccess = () => done(asking.result);
    asking.onerror = () => failed(asking.error);
  });
}

function asked(request) {
  return new Promise((done, failed) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

async function keyOf(name) {
  const database = await opened();
  const held = await asked(database.transaction(STORE).objectStore(STORE).get(name));
  if (held) return held;
  const made = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  await asked(database.transaction(STORE, "readwrite").objectStore(STORE).put(made, name));
  return made;
}

const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));
const toBytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

for (const form of document.querySelectorAll("[data-signs]")) {
  form.hidden = !(globalThis.crypto?.subtle && globalThis.indexedDB);
  form.addEventListener("submit", async (event) => {
    if (form.elements.signature.value) return;
    event.preventDefault();
    try {
      const key = await keyOf(form.dataset.keeps);
      form.elements.signature.value = toText(await crypto.subtle.sign("Ed25519", key.privateKey, toBytes(form.dataset.signs)));
      form.elements.public_key.value = toText(await crypto.subtle.exportKey("raw", key.publicKey));
      form.requestSubmit();
    } catch (fault) {
      form.querySelector("[data-fault]").hidden = false;
    }
  });
}
