"""An emulator of an API server, kmock's KubernetesEmulator, on a port of its own. It prints its address, and serves
until it is ended."""

import asyncio

import kmock

KINDS = {
    "v1/namespaces": ("Namespace", False),
    "gateway.networking.k8s.io/v1/gateways": ("Gateway", True),
    "gateway.networking.k8s.io/v1/httproutes": ("HTTPRoute", True),
    "gateway.networking.k8s.io/v1/grpcroutes": ("GRPCRoute", True),
    "gateway.networking.k8s.io/v1/listenersets": ("ListenerSet", True),
    "gateway.kgateway.dev/v1alpha1/trafficpolicies": ("TrafficPolicy", True),
}


async def main():
    async with kmock.KubernetesEmulator() as emulator, kmock.Server(emulator) as server:
        for name, (kind, namespaced) in KINDS.items():
            emulator.resources[name].kind = kind
            emulator.resources[name].namespaced = namespaced
            emulator.resources[name].verbs = {"list", "watch", "create", "patch", "delete"}
        print(server.url, flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
