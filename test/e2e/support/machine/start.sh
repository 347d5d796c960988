# A machine of its own: a copy of the file system and a network, which end with this process. Its arguments are a name, the
# root of this project, the size of the disk for the relay, and the command of Node.
set -e
name=$1 project=$2 size=$3 node=$4
dir=/mnt
mount -t tmpfs tmpfs $dir
mkdir $dir/upper $dir/work $dir/root
mount -t overlay overlay -o lowerdir=/,upperdir=$dir/upper,workdir=$dir/work $dir/root
root=$dir/root
mount -t proc proc $root/proc
mount --rbind /dev $root/dev
mkdir -p $root/opt/rxchat $root/root/operator $root/var/lib/rxchat $root/etc/systemd/system
mount --bind "$project" $root/opt/rxchat
mount -t tmpfs -o size="$size" tmpfs $root/var/lib/rxchat
ln -s /opt/rxchat/docs $root/root/operator/docs
cp "$(dirname "$0")/systemctl.sh" $root/usr/local/bin/systemctl
printf '#!/bin/sh\nexec %s /opt/rxchat/dist/bin/rxchat.js "$@"\n' "$node" > $root/usr/local/bin/rxchat
printf '#!/bin/sh\ncat /var/log/rxchat.log\n' > $root/usr/local/bin/journalctl
chmod 755 $root/usr/local/bin/systemctl $root/usr/local/bin/rxchat $root/usr/local/bin/journalctl
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.66/32 dev lo
printf '192.0.2.1 chat.example.org\n127.0.0.1 localhost %s\n' "$name" > $root/etc/hosts
hostname "$name"
exec chroot $root env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  bash -c 'cd /root/operator && exec bash'
