#!/bin/sh
# Runs rxchat with the Node that was installed with it, from any directory and through links.
file=$0
[ -L "$file" ] && file=$(readlink -f "$file")
lib=${file%/*}/../lib/rxchat
exec "$lib/node" "$lib/dist/bin/rxchat.js" "$@"
