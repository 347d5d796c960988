# A machine of its own: a copy of the file system and a network, which end with this process. Its arguments are a name, the
# root of this project, a directory with packages, and, if the relay has a disk of its own, its size.
set -e
name=$1 project=$2 packages=$3 size=$4
dir=/mnt
mount -t tmpfs tmpfs $dir
mkdir $dir/upper $dir/work $dir/root
mount -t overlay overlay -o lowerdir=/,upperdir=$dir/upper,workdir=$dir/work $dir/root
root=$dir/root
mount -t proc proc $root/proc
mount --rbind /dev $root/dev
mkdir -p $root/opt/rxchat $root/root/operator $root/run/systemd/system
# It forbids packages to start services.
rm -f $root/usr/sbin/policy-rc.d
mount --bind "$project" $root/opt/rxchat
cp "$packages"/*.deb $root/root/operator
if [ -n "$size" ]; then
  mkdir -m 0700 $root/var/lib/rxchat
  mount -t tmpfs -o mode=0700,size="$size" tmpfs $root/var/lib/rxchat
fi
rm -f $root/usr/bin/systemctl $root/usr/bin/journalctl
cp "$(dirname "$0")/systemctl.sh" $root/usr/bin/systemctl
printf '#!/bin/sh\ncat /var/log/rxchat.log\n' > $root/usr/bin/journalctl
chmod 755 $root/usr/bin/systemctl $root/usr/bin/journalctl
ip link set lo up
ip addr add 192.0.2.1/32 dev lo
ip addr add 192.0.2.66/32 dev lo
printf '192.0.2.1 chat.example.org\n127.0.0.1 localhost %s\n' "$name" > $root/etc/hosts
hostname "$name"
exec chroot $root env -i HOME=/root/operator LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  bash -c 'cd /root/operator && exec bash'
