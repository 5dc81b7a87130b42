// Verifies signed thumbnail URLs inside nginx, exactly as xaccel.Signer does with HMAC-SHA256.
//
// The keys are in $xaccel_keys, newest first, in base64url with commas between them; the file that
// sets it is readable by root alone. They can't be turned back into the app's secrets.
//
// A map gives $xaccel_link, "signature,expiry", for a URL that is spelt right and has nothing
// in it to percent-encode; nginx finds that out much faster than a script. Others are read here.

import crypto from 'crypto';

function encode(bytes) {
    const plain = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/,';
    const hex = '0123456789ABCDEF';
    let text = '';
    for (let i = 0; i < bytes.length; i++) {
        const character = String.fromCharCode(bytes[i]);
        text += plain.indexOf(character) >= 0
            ? character
            : '%' + hex[bytes[i] >> 4] + hex[bytes[i] & 15];
    }
    return text;
}

// The signature and the expiry of a URL in its one spelling, or null: base64url has spare bits in
// the last character, a number no leading zero, and nginx has decoded and normalised $uri.
function read(r) {
    const target = r.variables.request_uri;
    const mark = target.indexOf('?');
    const query = /^key=([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])(&expires=([1-9][0-9]{0,18}))?$/
        .exec(mark < 0 ? '' : target.slice(mark + 1));
    const bytes = r.rawVariables.uri;
    try {
        new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    } catch (e) {
        return null;
    }
    if (query === null || target.slice(0, mark) !== encode(bytes)) {
        return null;
    }
    return [query[1], query[3] || ''];
}

// In a time that does not depend on where they differ.
function isSame(a, b) {
    let difference = 0;
    for (let i = 0; i < 32; i += 4) {
        difference |= a.readInt32BE(i) ^ b.readInt32BE(i);
    }
    return difference === 0;
}

// "" for a bad URL, "0" for one whose time has passed, "1" for a good one, as $secure_link.
function verify(r) {
    const variables = r.variables;
    const link = variables.xaccel_link;
    const parts = link === '' ? read(r) : [link.slice(0, 43), link.slice(44)];
    if (parts === null) {
        return '';
    }
    const expires = parts[1];
    if (expires.length === 19 && expires > '9223372036854775807') {
        return '';
    }
    const signature = Buffer.from(parts[0], 'base64url');
    const uri = link === '' ? r.rawVariables.uri : variables.uri;
    const keys = variables.xaccel_keys.split(',');
    let good = false;
    for (let i = 0; i < keys.length; i++) {
        const hmac = crypto.createHmac('sha256', Buffer.from(keys[i], 'base64url'));
        good = isSame(hmac.update(expires).update(uri).digest(), signature) || good;
    }
    if (!good) {
        return '';
    }
    return expires !== '' && Number(expires) < Math.floor(Date.now() / 1000) ? '0' : '1';
}

// How long a thumbnail may be kept whose URL expires: no longer than that.
function bounded(r) {
    const left = Number(r.variables.arg_expires) - Math.floor(Date.now() / 1000);
    return r.variables.xaccel_lifetime.replace(
        /max-age=([0-9]+)/, (_, age) => 'max-age=' + Math.max(0, Math.min(Number(age), left)));
}

export default {verify, bounded};
