package dev.weir.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.weir.dataplane.DataPlane;
import dev.weir.dataplane.MeshConfig;
import dev.weir.dataplane.MeshConfig.Kind;
import dev.weir.dataplane.ProxyListener;
import dev.weir.dataplane.Workload;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

/** The data plane alone, as a gateway with the routes of the benchmark. */
final class WeirProxy {
    private static final ObjectMapper JSON = new ObjectMapper();

    private WeirProxy() {}

    /** Prints the port and serves until it is killed; the arguments are the ports of the two versions. */
    public static void main(String[] ports) throws IOException, InterruptedException {
        ProxyProcess.endWithParent();
        Workload gateway =
                new Workload("default", "gw-1", "gw", Map.of("gateway.networking.k8s.io/gateway-name", "gw"));
        try (DataPlane dataPlane = DataPlane.start();
                ProxyListener listener = dataPlane.openGateway(gateway, new InetSocketAddress("127.0.0.1", 0), 80)) {
            dataPlane.update(config(ports[0], ports[1]));
            System.out.println(listener.address().getPort());
            new CountDownLatch(1).await();
        }
    }

    private static MeshConfig config(String primary, String candidate) throws IOException {
        List<JsonNode> services = new ArrayList<>();
        List<JsonNode> slices = new ArrayList<>();
        List<JsonNode> pods = new ArrayList<>();
        for (List<String> version : List.of(List.of("v1", primary), List.of("v2", candidate))) {
            String name = version.getFirst();
            services.add(read(
                    "{'metadata':{'name':'%s','namespace':'default'},'spec':{'ports':[{'port':80,'name':'http'}]}}",
                    name));
            slices.add(read(
                    "{'metadata':{'name':'%1$s-1','namespace':'default','labels':{'kubernetes.io/service-name':'%1$s'}},"
                            + "'ports':[{'name':'http','port':%2$s}],'endpoints':[{'addresses':['127.0.0.1'],"
                            + "'conditions':{'ready':true},'targetRef':{'name':'%1$s-1'}}]}",
                    name, version.getLast()));
            pods.add(read("{'metadata':{'name':'%1$s-1','namespace':'default','labels':{'app':'%1$s'}}}", name));
        }
        String to = "{'name':'%s','port':80,'weight':%d,'filters':[{'type':'ResponseHeaderModifier',"
                + "'responseHeaderModifier':{'add':[{'name':'app-version','value':'%s'}]}}]}";
        JsonNode route = read("{'metadata':{'name':'app','namespace':'default'},'spec':{'hostnames':['app.default'],"
                + "'parentRefs':[{'name':'gw'}],'rules':["
                + "{'matches':[{'headers':[{'name':'traffic','value':'test'}]}],'backendRefs':["
                + to.formatted("v2", 1, "v2") + "]},{'backendRefs':["
                + to.formatted("v1", 90, "v1") + "," + to.formatted("v2", 10, "v2") + "]}]}}");
        return new MeshConfig(
                Map.of(
                        Kind.SERVICE,
                        services,
                        Kind.ENDPOINT_SLICE,
                        slices,
                        Kind.POD,
                        pods,
                        Kind.GATEWAY_CLASS,
                        List.of(read("{'metadata':{'name':'istio'},"
                                + "'spec':{'controllerName':'istio.io/gateway-controller'}}")),
                        Kind.GATEWAY,
                        List.of(read("{'metadata':{'name':'gw','namespace':'default'},'spec':{'gatewayClassName':"
                                + "'istio','listeners':[{'name':'http','port':80,'protocol':'HTTP'}]}}")),
                        Kind.HTTP_ROUTE,
                        List.of(route)),
                Map.of());
    }

    private static JsonNode read(String text, Object... values) throws IOException {
        return JSON.readTree((values.length == 0 ? text : text.formatted(values)).replace('\'', '"'));
    }
}
