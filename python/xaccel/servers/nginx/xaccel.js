// Verifies signed thumbnail URLs inside nginx, exactly as xaccel.Signer does with HMAC-SHA256.
//
// $xaccel_keys contains the keys, newest first, in base64url, separated by commas. Only root can
// read the file that sets it. The app's secrets can't be computed from the keys.
//
// For a canonical URL without percent-encoding, a map sets $xaccel_link to the signature and the
// message that it signs (expiry and path), because a map is much faster than a script. This script
// parses other URLs. One more variable or buffer would take as long as the HMAC itself.

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

// Returns a value like $xaccel_link for any URL in its canonical spelling, otherwise "". The last
// character of base64url has spare bits, which must be zero; numbers have no leading zeros; and
// nginx has decoded and normalised $uri.
function read(r) {
    const target = r.variables.request_uri;
    const mark = target.indexOf('?');
    const query = /^key=([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])(&expires=([1-9][0-9]{0,18}))?$/
        .exec(mark < 0 ? '' : target.slice(mark + 1));
    const bytes = r.rawVariables.uri;
    let path;
    try {
        path = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    } catch (e) {
        return '';
    }
    if (query === null || target.slice(0, mark) !== encode(bytes)) {
        return '';
    }
    return query[1] + (query[3] || '') + path;
}

// Compares in constant time.
function isSame(a, b) {
    const left = new Int32Array(a.buffer, a.byteOffset, 8);
    const right = new Int32Array(b.buffer, b.byteOffset, 8);
    let difference = 0;
    for (let i = 0; i < 8; i++) {
        difference |= left[i] ^ right[i];
    }
    return difference === 0;
}

// Returns "" for an invalid URL, "0" for an expired one, "1" for a valid one, like $secure_link.
function verify(r) {
    const variables = r.variables;
    const link = variables.xaccel_link || read(r);
    if (link === '') {
        return '';
    }
    const signed = link.slice(43);
    const expires = signed.slice(0, signed.indexOf('/'));
    if (expires.length === 19 && expires > '9223372036854775807') {
        return '';
    }
    const signature = Buffer.from(link.slice(0, 43), 'base64url');
    const keys = variables.xaccel_keys.split(',');
    let good = false;
    for (let i = 0; i < keys.length; i++) {
        const hmac = crypto.createHmac('sha256', Buffer.from(keys[i], 'base64url'));
        good = isSame(hmac.update(signed).digest(), signature) || good;
    }
    if (!good) {
        return '';
    }
    return expires !== '' && Number(expires) < Math.floor(Date.now() / 1000) ? '0' : '1';
}

// Returns the Cache-Control of a thumbnail whose URL expires: its max-age ends at the expiry.
function bounded(r) {
    const left = Number(r.variables.arg_expires) - Math.floor(Date.now() / 1000);
    return r.variables.xaccel_lifetime.replace(
        /max-age=([0-9]+)/, (_, age) => 'max-age=' + Math.max(0, Math.min(Number(age), left)));
}

export default {verify, bounded};
