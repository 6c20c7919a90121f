# nginx's error lines quote what the client sent, and have no format: of that only the method and the path are kept, and
# which pool was asked. Query strings and referers may carry tokens.
s/(, request: ".*), upstream: "fastcgi:\/\/unix:[^"]*\/((user|event|queue|reservation|payment|gateway|sandbox)-[0-9]+)\.sock:.*/, upstream: "\2"\1/
s/, request: "([A-Z]+ \/[!$-.0-9A-Za-z_~@:;=&+\/]*)?.*/, request: "\1"/
