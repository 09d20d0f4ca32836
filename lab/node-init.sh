#!/bin/bash
# A node of the lab, from nothing to its daemons. Called with "enter" by the lab, with "boot" by itself as PID 1 of the
# node's namespaces: when that process is killed, everything on the node is gone, as after a power cut.
#
#   NODE        its name                     NODE_DIR   its folder: config/, containerd/, kubelet/ (its disks), mnt/
#   NODE_IPS    its addresses, with a comma  LOG_DIR    where its daemons print to
#   NETNS       its network namespace        BIN_DIR    kubelet and kube-proxy
#   IMAGES      archives to import           CGROUPS    files that take this process into its cgroups
#   BINDS       folders of the machine that have to be seen although they may lie on other file systems
#   HOSTS       the text of /etc/hosts
# Lists have one entry a line.
set -eu
IFS=$'\n'

enter() {
  for file in $CGROUPS; do echo $$ >"$file"; done
  exec nsenter --net="$NETNS" \
    unshare --mount --pid --uts --ipc --fork --kill-child --propagation private \
    bash "$0" boot
}

make_root() {
  local base=$NODE_DIR/mnt
  mount -t tmpfs -o mode=755 herald-node "$base"
  mkdir "$base"/{upper,work,root}
  # The upper layer has to be on another file system than the lower one; a tmpfs also forgets at power-off.
  mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
  ROOT=$base/root
  mount -t proc proc "$ROOT/proc"
  mount -t sysfs sysfs "$ROOT/sys"
  mount --rbind /sys/fs/cgroup "$ROOT/sys/fs/cgroup"
  mount --rbind /dev "$ROOT/dev"
  mount -t tmpfs -o mode=755 tmpfs "$ROOT/run"
  mkdir -p "$ROOT/run/netns" "$ROOT/run/sysctl"
  mount -t tmpfs -o mode=755 tmpfs "$ROOT/var/log"
  mkdir -p "$ROOT"/var/lib/{containerd,kubelet,cni} "$ROOT"/var/log/{pods,containers} \
    "$ROOT/etc/cni/net.d" "$ROOT/opt/cni/bin"
  rm -f "$ROOT"/etc/cni/net.d/*
  mount --bind "$NODE_DIR/containerd" "$ROOT/var/lib/containerd"
  mount --bind "$NODE_DIR/kubelet" "$ROOT/var/lib/kubelet"
  local folder
  for folder in $BINDS; do
    mkdir -p "$ROOT$folder"
    mount --bind "$folder" "$ROOT$folder"
  done
}

# kubelet sets these for the whole machine; here its writes end in files.
protect_sysctls() {
  local entry name file
  for entry in vm/overcommit_memory:1 vm/panic_on_oom:0 kernel/panic:10 kernel/panic_on_oops:1 \
    kernel/keys/root_maxkeys:1000000 kernel/keys/root_maxbytes:25000000; do
    name=${entry%%:*}
    file=$ROOT/run/sysctl/${name//\//_}
    [ -e "$ROOT/proc/sys/$name" ] || continue
    echo "${entry##*:}" >"$file"
    mount --bind "$file" "$ROOT/proc/sys/$name"
  done
}

change_root() {
  cd "$ROOT"
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old 2>/dev/null || true
  mount --make-rshared /
}

import_images() {
  local image
  for image in $IMAGES; do
    [ -e "$NODE_DIR/imported-${image##*/}" ] && continue
    ctr --namespace k8s.io images import "$image" >/dev/null
    : >"$NODE_DIR/imported-${image##*/}"
  done
}

boot() {
  # This /proc is still the machine's: it knows this process by the number that the machine sees.
  IFS=" " read -r pid _ </proc/self/stat
  echo "$pid" >"$NODE_DIR/init.pid"
  make_root
  protect_sysctls
  change_root
  hostname "$NODE"
  printf '%s' "$HOSTS" >/etc/hosts
  cp "$NODE_DIR/config/cni.conflist" /etc/cni/net.d/10-lab.conflist
  rm -f "$NODE_DIR/booted"

  containerd --config "$NODE_DIR/config/containerd.toml" >>"$LOG_DIR/$NODE-containerd.log" 2>&1 &
  echo $! >/run/containerd.pid
  until ctr version >/dev/null 2>&1; do sleep 0.05; done
  "$BIN_DIR/kubelet" --config="$NODE_DIR/config/kubelet.yaml" \
    --kubeconfig="$NODE_DIR/config/kubelet.kubeconfig" --hostname-override="$NODE" \
    --node-ip="$NODE_IPS" >>"$LOG_DIR/$NODE-kubelet.log" 2>&1 &
  echo $! >/run/kubelet.pid
  "$BIN_DIR/kube-proxy" --config="$NODE_DIR/config/kube-proxy.yaml" \
    >>"$LOG_DIR/$NODE-kube-proxy.log" 2>&1 &
  echo $! >/run/kube-proxy.pid
  import_images
  : >"$NODE_DIR/booted"

  # PID 1 stays and reaps what loses its parent; it does not end with a daemon.
  trap : TERM INT
  while :; do
    sleep 3600 &
    wait $! || true
  done
}

"$1"
